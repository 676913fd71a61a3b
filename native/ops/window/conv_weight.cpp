// The gradient of a convolution's weight: for each group patches times the output's gradient,
// transposed: [taps of channels, pixels] x [pixels, outputs], one chain over all images and pixels.
// Patches are rows of A, so that copying them is copying runs of the image; the gradient is packed
// once for all of them. Threads share rows or columns of the result, never the chain.
#include <string.h>

#include "../../base/scratch.h"
#include "../product/gemm_threads.h"
#include "conv_patches.h"

namespace tilegrad {
namespace {

// Pixels of a block: 14 rows of 512 float32 pixels are 28 KB, in the first-level cache while they
// meet all outputs, whose panels are given half of the second-level one.
constexpr int64_t kBlockPixelBytes = 2048;
constexpr int64_t kPanelBytes = 512 << 10;
constexpr int64_t kLeastPixels = 64;
// Of the result, when it is turned round: a block of 32 of them and 64 outputs is 8 KB.
constexpr int64_t kTurnedColumns = 64;

// A thread's rows and columns of a group's result.
template <class T>
class WeightPart {
 public:
  WeightPart(const Command& command, const ConvShape& shape, const Stage<T>& where,
             const int64_t* places, int64_t last, const Share& rowShare, const Share& colShare)
      : c(command),
        s(shape),
        stage(where),
        offsets(places),
        farthest(last),
        rows(rowShare),
        cols(colShare),
        kernels(floatKernels<T>().gemm),
        pixels(shape.out[0] * shape.out[1] * shape.out[2]),
        width(kernels.maxCols),
        panels(ceilDiv(cols.end - cols.begin, width)) {}

  Status run(int64_t group, T* own) const {
    constexpr int64_t kBytes = static_cast<int64_t>(sizeof(T));
    const int64_t fitting = kPanelBytes / (panels * width * kBytes);
    const int64_t most = max64(kLeastPixels, min64(kBlockPixelBytes / kBytes, fitting));
    const int64_t depth = ceilDiv(pixels, ceilDiv(pixels, most));
    const int64_t rowPitch = depth + kCopyPadding, colCount = cols.end - cols.begin;
    const int64_t packed = panels * width * depth;
    T* const block = static_cast<T*>(scratch(
        ScratchSlot::panel, static_cast<size_t>((packed + kernels.maxRows * rowPitch) * kBytes)));
    T* const sums = static_cast<T*>(scratch(
        ScratchSlot::result, static_cast<size_t>((rows.end - rows.begin) * colCount * kBytes)));
    if (!block || !sums) return Status::outOfMemory;

    const PixelLines lines = outputPixels(s, stage);
    const T* const g = static_cast<const T*>(c.data[1]);
    for (int64_t n = 0; n < s.n; ++n) {
      const PatchSource<T> from = stage.read(imageView<T>(c, c.data[0], n, group, s.cg), own);
      const T* const image = g + ((n * s.groups + group) * s.og + cols.begin) * pixels;
      const int64_t tiles =
          ceilDiv(pixels, depth) * panels * ceilDiv(rows.end - rows.begin, kernels.maxRows);
      Ahead ahead[2];
      if (n + 1 < s.n) {
        const ImageView<T> next = imageView<T>(c, c.data[0], n + 1, group, s.cg);
        ahead[0] = Ahead(next.data, next.bytes(), ceilDiv(tiles, 2));
        ahead[1] =
            Ahead(image + s.groups * s.og * pixels, colCount * pixels * kBytes, ceilDiv(tiles, 2));
      }
      for (int64_t p = 0; p < pixels; p += depth) {
        const int64_t count = min64(depth, pixels - p);
        for (int64_t j = 0; j < panels; ++j) {
          kernels.packPanel(count, min64(width, colCount - j * width),
                            image + j * width * pixels + p, 1, pixels, block + j * width * depth);
        }
        multiplyRows(from, lines, p, count, n == 0 && p == 0, block, depth, block + packed,
                     rowPitch, sums, ahead);
      }
    }
    return store(group, sums);
  }

 private:
  // The rows of pixels [p, p + count) times the packed columns, added to the sums.
  void multiplyRows(const PatchSource<T>& from, const PixelLines& lines, int64_t p, int64_t count,
                    bool first, const T* block, int64_t depth, T* a, int64_t rowPitch, T* sums,
                    Ahead* ahead) const {
    const int64_t colCount = cols.end - cols.begin;
    GemmTile<T> tile{};
    tile.k = count;
    tile.a = a;
    tile.aRow = rowPitch;
    tile.aCol = 1;
    tile.bRow = width;
    tile.cRow = colCount;
    tile.beta = first ? T{0} : T{1};
    const int64_t* place = offsets + rows.begin;
    int turn = 0;
    eachTile(rows.end - rows.begin, kernels.maxRows, [&](int64_t height) {
      copyPatches(lines, p, p + count, height, from, place, farthest, a, rowPitch);
      for (int64_t j = 0; j < panels; ++j) {
        tile.cols = min64(width, colCount - j * width);
        tile.b = block + j * width * depth;
        tile.c = sums + j * width;
        tile.nextC = tile.c;
        ahead[turn++ % 2].ask(&tile);
        kernels.tile[height - 1](tile);
      }
      place += height;
      sums += height * colCount;
    });
  }

  // Turned round a block at a time: 512 x 4608 values one by one took half as long as their
  // products with 7 x 7 pixels of 8 images.
  Status store(int64_t group, const T* sums) const {
    const int64_t steps = s.cg * s.taps(), colCount = cols.end - cols.begin;
    T* const weight = static_cast<T*>(c.data[2]) + (group * s.og + cols.begin) * steps;
    T* const block = static_cast<T*>(
        scratch(ScratchSlot::step, static_cast<size_t>(kTurnedColumns * width) * sizeof(T)));
    if (!block) return Status::outOfMemory;
    for (int64_t i = rows.begin; i < rows.end; i += width) {
      const int64_t count = min64(width, rows.end - i);
      const T* const from = sums + (i - rows.begin) * colCount;
      for (int64_t o = 0; o < colCount; o += kTurnedColumns) {
        const int64_t outputs = min64(kTurnedColumns, colCount - o);
        kernels.packPanel(outputs, count, from + o, 1, colCount, block);
        for (int64_t j = 0; j < outputs; ++j) {
          memcpy(weight + (o + j) * steps + i, block + j * width,
                 static_cast<size_t>(count) * sizeof(T));
        }
      }
    }
    return Status::ok;
  }

  const Command& c;
  const ConvShape& s;
  const Stage<T>& stage;
  const int64_t* offsets;
  const int64_t farthest;
  const Share rows, cols;
  const GemmKernels<T>& kernels;
  const int64_t pixels, width, panels;
};

template <class T>
Status weightGradient(const Command& c) {
  const ConvShape s = convShape(c, false);
  const int64_t steps = s.cg * s.taps(), outputs = s.groups * s.og;
  if (outputs == 0 || s.cg == 0) return Status::ok;
  bool nothing = s.n == 0;
  for (int i = 0; i < kAxes; ++i) {
    if (s.in[i] == 0 || s.out[i] == 0) nothing = true;
  }
  if (nothing) {
    memset(c.data[2], 0, static_cast<size_t>(outputs * steps) * sizeof(T));
    return Status::ok;
  }
  const Stage<T> stage(inputWindow(s), imageView<T>(c, c.data[0], 0, 0, s.cg));
  int64_t* const offsets = static_cast<int64_t*>(
      scratch(ScratchSlot::partial, static_cast<size_t>(steps) * sizeof(int64_t)));
  if (!offsets) return Status::outOfMemory;
  const int threads = worthThreads(convWork(s), numThreads()) ? numThreads() : 1;
  if (isDepthwise<T>(c, s, offsets)) return depthwiseWeight<T>(c, s, threads);
  const int64_t farthest = inputOffsets(s, stage, offsets);

  const int64_t grain = 64 / static_cast<int64_t>(sizeof(T));
  // A tile's rows should not get much fewer, and columns are cut at whole registers.
  const bool cutsRows =
      steps >= 2 * threads * floatKernels<T>().gemm.maxRows || s.og < 2 * threads * grain;
  return overImages(s.groups, threads,
                    [&](int64_t first, int64_t last, int64_t part, int64_t parts) {
                      const Share all = {0, steps}, outs = {0, s.og};
                      const Share rows = cutsRows ? shareOf(steps, 1, part, parts) : all;
                      const Share cols = cutsRows ? outs : shareOf(s.og, grain, part, parts);
                      if (rows.begin >= rows.end || cols.begin >= cols.end) return Status::ok;
                      T* const own = stageMemory(stage);
                      if (stage.copies() && !own) return Status::outOfMemory;
                      const WeightPart<T> work(c, s, stage, offsets, farthest, rows, cols);
                      for (int64_t g = first; g < last; ++g) {
                        const Status status = work.run(g, own);
                        if (status != Status::ok) return status;
                      }
                      return Status::ok;
                    });
}

}  // namespace

Status convWeight(const Command& c) {
  return c.type[0] == DType::float64 ? weightGradient<double>(c) : weightGradient<float>(c);
}

}  // namespace tilegrad
