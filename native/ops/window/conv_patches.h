// Convolution as an implicit matrix product: what its three rows share. A patch is what one output
// pixel sees of an image, a column of the matrix `patches`; the matrix itself exists only panel by
// panel. An image that patches can't be copied from in runs (it needs a border of zeros, or every
// second column) is first copied to working memory, where they can.
#pragma once
#include "../command.h"
#include "../dispatch.h"
#include "../parallel.h"
#include "../product/gemm_blocks.h"

namespace tilegrad {

constexpr int kAxes = 3;  // depth, height, width; images of fewer have 1 there

// The numbers of a convolution's row: those of its forward pass, whichever pass it is.
struct ConvShape {
  int64_t n, groups, og, cg;  // images, groups, channels of a group's output and input
  int64_t kernel[kAxes], in[kAxes], out[kAxes];
  int64_t stride[kAxes], padding[kAxes], dilation[kAxes];

  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
};

// One image's channels of one group, wherever they lie.
template <class T>
struct ImageView {
  const T* data;
  int64_t channels, channelStride;
  int64_t size[kAxes], stride[kAxes];
  const T* end;  // of the memory that may be read

  // How many bytes lie together at data.
  int64_t bytes() const;
};

// The part of the plane that patches see, in the image's coordinates; zero outside of the image.
// Columns are dealt to `phases` in turn, so that every phases-th of them are neighbours.
struct Window {
  int64_t start[kAxes], size[kAxes];
  int64_t phases;

  // Elements of a channel. A double, which can't overflow.
  double elements() const;
};

// Elements that kernels copy at a time.
template <class T>
constexpr int64_t kVector = 64 / static_cast<int64_t>(sizeof(T));

// The first place of a window, and how many elements from there on may be read.
template <class T>
struct PatchSource {
  const T* x;
  int64_t room;
};

// Memory that is needed after a product, which its tiles ask for in equal parts: the next image
// lies in the third-level cache or beyond, in rows that are too short for the CPU to foresee.
class Ahead {
 public:
  Ahead() = default;
  Ahead(const void* from, int64_t bytes, int64_t tiles)
      : at_(static_cast<const char*>(from)), pairs_(ceilDiv(ceilDiv(bytes, kPair), tiles)) {}

  // Gives a tile its part. The tile has a nextC.
  template <class T>
  void ask(GemmTile<T>* tile) {
    tile->ahead = at_;
    tile->aheadStep = kPair;
    tile->aheadCount = pairs_;
    tile->aheadTurn = 0;
    tile->aheadTurns = 1;
    at_ += pairs_ * kPair;
  }

 private:
  static constexpr int64_t kPair = 128;  // bytes of two lines
  const char* at_ = nullptr;
  int64_t pairs_ = 0;
};

// Where an image is read: in place, or in a copy of the window.
template <class T>
class Stage {
 public:
  Stage(const Window& window, const ImageView<T>& image);

  bool copies() const { return copies_; }
  // Elements of the copy, and of a vector behind it.
  int64_t elements() const { return channels_ * channelStride + kVector<T>; }
  // Where the window begins, after copying what has to be. `memory` is for elements(), which are
  // zeros before the first image.
  PatchSource<T> read(const ImageView<T>& image, T* memory) const;
  // The place of an element from there, in the window's coordinates.
  int64_t offset(int64_t d, int64_t h, int64_t w) const {
    return d * stride[0] + h * stride[1] + w % window_.phases * phaseStride_ + w / window_.phases;
  }

  int64_t channelStride, stride[2];

 private:
  void copyRows(const ImageView<T>& image, T* to) const;
  void copyColumns(const ImageView<T>& image, T* to) const;

  Window window_;
  int64_t channels_, phaseStride_;
  bool copies_;
  int64_t first_[kAxes], last_[kAxes];  // the part of the window that lies in the image
};

// Pixels in rows, each of which is a run of the image.
struct PixelLines {
  int64_t size[kAxes], stride[kAxes];  // the innermost stride is 1

  int64_t count() const { return size[0] * size[1] * size[2]; }
  // Joins rows that follow each other in the image.
  void join();
};

// f(run) for pixels [begin, end), whose places begin at 0.
template <class F>
void eachRun(const PixelLines& lines, int64_t begin, int64_t end, const F& f) {
  if (begin >= end) return;
  const int64_t row = begin / lines.size[2];
  int64_t w = begin % lines.size[2], h = row % lines.size[1], d = row / lines.size[1];
  for (int64_t at = begin; at < end; w = 0) {
    const int64_t count = min64(lines.size[2] - w, end - at);
    f(CopyRun{d * lines.stride[0] + h * lines.stride[1] + w, at - begin, count});
    at += count;
    if (++h == lines.size[1]) {
      h = 0;
      ++d;
    }
  }
}

// Copies the patches of pixels [begin, end), the step of each offset `toStep` after the one before;
// no offset is above `farthest`. Up to a vector behind the last one is written as well, and so is
// what lies between the end of one step and the next.
template <class T>
void copyPatches(const PixelLines& lines, int64_t begin, int64_t end, int64_t steps,
                 const PatchSource<T>& from, const int64_t* offsets, int64_t farthest, T* to,
                 int64_t toStep);

// C[i, j] = start[i] + sum over p of A[i, p] x[offsets[p] + place of pixel j], each one chain in
// the order of p.
template <class T>
struct PatchProduct {
  int64_t rows, steps;  // of A
  const T* a;
  int64_t aRow;
  // The start is A's first column, which takes a step (times 1), or `start`; no start is 0.
  bool startInA;
  const T* start;
  const int64_t* offsets;  // of the steps without the start's
  int64_t farthest;        // none of them is above
  PixelLines pixels;

  // Rows [i0, i1) and pixels [j0, j1). C is at its first row and pixel.
  Status run(const PatchSource<T>& from, int64_t i0, int64_t i1, int64_t j0, int64_t j1, T* c,
             int64_t cRow, const ImageView<T>* next) const;

 private:
  void runDirect(const T* x, int64_t i0, int64_t i1, int64_t j0, int64_t j1, T* c,
                 int64_t cRow) const;
};

// f(first, last, part, parts) for ranges of images, or for parts of each when there are too few
// for the threads.
template <class F>
Status overImages(int64_t images, int threads, const F& f) {
  if (threads == 1) return f(int64_t{0}, images, int64_t{0}, int64_t{1});
  const bool whole = images >= 4 * threads || images % threads == 0;
  const int64_t parts = whole ? 1 : threads;
  return parallelStatus(images * parts, 1, [&](int64_t begin, int64_t end) {
    if (whole) return f(begin, end, int64_t{0}, int64_t{1});
    for (int64_t i = begin; i < end; ++i) {
      const Status status = f(i / parts, i / parts + 1, i % parts, parts);
      if (status != Status::ok) return status;
    }
    return Status::ok;
  });
}

// The row's numbers. The image that has the geometry is the input, or the output of `convInput`.
ConvShape convShape(const Command& c, bool geometryIsOutput);

// What is wrong with them, or null: every number is small enough that places are whole numbers, and
// no window is much larger than the images that are there.
const char* checkConv(const Command& c, bool geometryIsOutput);

// What patches of the forward pass see of the input, and those of the input's gradient of the
// output's.
Window inputWindow(const ConvShape& s);
Window outputWindow(const ConvShape& s);

// The channels of image n, group g, of an operand with the row's geometry.
template <class T>
ImageView<T> imageView(const Command& c, const void* data, int64_t n, int64_t g, int64_t channels);

// The places of all taps of all channels, and the pixels' of the output, where the input is read;
// the farthest place.
template <class T>
int64_t inputOffsets(const ConvShape& s, const Stage<T>& stage, int64_t* offsets);
template <class T>
PixelLines outputPixels(const ConvShape& s, const Stage<T>& stage);

// Multiply-adds of a pass.
double convWork(const ConvShape& s);

// Memory of a thread for the images that a call reads through the stage: null when it needs none,
// or there is none left.
template <class T>
T* stageMemory(const Stage<T>& stage);

// The share of [0, total) that is `part` of `parts`, at multiples of `grain`.
struct Share {
  int64_t begin, end;
};
Share shareOf(int64_t total, int64_t grain, int64_t part, int64_t parts);

// Whether conv_depthwise.cpp takes a weight gradient; `offsets` are for as many places as taps.
template <class T>
bool isDepthwise(const Command& c, const ConvShape& s, int64_t* offsets);
template <class T>
Status depthwiseWeight(const Command& c, const ConvShape& s, int threads);

// The product's weight gradient, for the row of conv.cpp.
Status convWeight(const Command& c);

}  // namespace tilegrad
