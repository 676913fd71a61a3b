#include "conv_patches.h"

#include <string.h>

#include <initializer_list>

#include "../../base/scratch.h"

namespace tilegrad {
namespace {

// Steps of a panel: 512 of 32 float32 columns are 64 KB, and with as many of 14 rows of A they stay
// in the second-level cache while all rows meet them.
constexpr int64_t kPatchBytesDeep = 2048;  // of one column
// Rows that don't fit there are read once for so many panels.
constexpr int64_t kPanels = 8;
constexpr int64_t kRowBytes = 512 << 10;

// Up to so many rows, a patch is read where it is: copying it takes as long as a row's products.
constexpr int64_t kDirectRows = 2;

// The largest whole number in a row's geometry, so that products of two fit 64 bits.
constexpr int64_t kMaxExtent = int64_t{1} << 30;
// A window may have that many elements more than four times the image's.
constexpr double kSpareElements = 1 << 26;

int64_t floorDiv(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

double productOf(const int64_t* sizes) {
  return static_cast<double>(sizes[0]) * static_cast<double>(sizes[1]) *
         static_cast<double>(sizes[2]);
}

}  // namespace

double Window::elements() const {
  const double columns = static_cast<double>(ceilDiv(size[2], phases) * phases);
  return static_cast<double>(size[0]) * static_cast<double>(size[1]) * columns;
}

template <class T>
int64_t ImageView<T>::bytes() const {
  const int64_t plane = size[0] * size[1] * size[2];
  return (channelStride == plane ? channels * plane : plane) * static_cast<int64_t>(sizeof(T));
}

template struct ImageView<float>;
template struct ImageView<double>;

template <class T>
Stage<T>::Stage(const Window& window, const ImageView<T>& image)
    : window_(window), channels_(image.channels) {
  bool inside = true;
  for (int i = 0; i < kAxes; ++i) {
    const int64_t end = image.size[i] - window.start[i];
    first_[i] = max64(0, -window.start[i]);
    last_[i] = min64(window.size[i], end);
    if (first_[i] > 0 || window.size[i] > end) inside = false;
  }
  copies_ = !inside || window.phases > 1 || (image.stride[2] != 1 && window.size[2] > 1);
  if (copies_) {
    phaseStride_ = ceilDiv(window.size[2], window.phases);
    stride[1] = phaseStride_ * window.phases;
    stride[0] = stride[1] * window.size[1];
    channelStride = stride[0] * window.size[0];
  } else {
    phaseStride_ = 0;
    stride[1] = image.stride[1];
    stride[0] = image.stride[0];
    channelStride = image.channelStride;
  }
}

template <class T>
PatchSource<T> Stage<T>::read(const ImageView<T>& image, T* memory) const {
  if (!copies_) {
    const T* x = image.data;
    for (int i = 0; i < kAxes; ++i) x += window_.start[i] * image.stride[i];
    return {x, image.end - x};
  }
  const PatchSource<T> copy = {memory, elements()};
  for (int i = 0; i < kAxes; ++i) {
    if (first_[i] >= last_[i]) return copy;
  }
  if (image.stride[2] == 1 && window_.phases == 1) {
    copyRows(image, memory);
  } else {
    copyColumns(image, memory);
  }
  return copy;
}

// In the order of memory, which comes from beyond the second-level cache.
template <class T>
void Stage<T>::copyRows(const ImageView<T>& image, T* to) const {
  const auto& kernels = floatKernels<T>().gemm;
  constexpr int kRuns = 32;
  CopyRun runs[kRuns];
  for (int64_t c = 0; c < channels_; ++c) {
    int count = 0;
    const auto flush = [&] {
      kernels.copyRuns(1, image.data + c * image.channelStride, nullptr, 0, runs, count,
                       to + c * channelStride, 0);
      count = 0;
    };
    for (int64_t d = first_[0]; d < last_[0]; ++d) {
      for (int64_t h = first_[1]; h < last_[1]; ++h) {
        if (count == kRuns) flush();
        runs[count++] = {(d + window_.start[0]) * image.stride[0] +
                             (h + window_.start[1]) * image.stride[1] + first_[2] +
                             window_.start[2],
                         offset(d, h, first_[2]), last_[2] - first_[2]};
      }
    }
    flush();
  }
}

template <class T>
void Stage<T>::copyColumns(const ImageView<T>& image, T* to) const {
  for (int64_t c = 0; c < channels_; ++c) {
    for (int64_t d = first_[0]; d < last_[0]; ++d) {
      for (int64_t h = first_[1]; h < last_[1]; ++h) {
        const T* const from = image.data + c * image.channelStride +
                              (d + window_.start[0]) * image.stride[0] +
                              (h + window_.start[1]) * image.stride[1];
        T* const row = to + c * channelStride + d * stride[0] + h * stride[1];
        // Phase by phase: one loop that deals columns out to phases took twice as long.
        const int64_t step = window_.phases * image.stride[2];
        for (int64_t w = first_[2]; w < min64(last_[2], first_[2] + window_.phases); ++w) {
          const T* x = from + (w + window_.start[2]) * image.stride[2];
          T* const run = row + w % window_.phases * phaseStride_ + w / window_.phases;
          const int64_t count = ceilDiv(last_[2] - w, window_.phases);
          for (int64_t i = 0; i < count; ++i, x += step) run[i] = *x;
        }
      }
    }
  }
}

template class Stage<float>;
template class Stage<double>;

void PixelLines::join() {
  for (int i = kAxes - 1; i > 0; --i) {
    // The outer axis of each pair is walked as a longer inner one.
    if (size[1] == 1 || stride[1] == size[2]) {
      size[2] *= size[1];
      size[1] = size[0];
      stride[1] = stride[0];
      size[0] = 1;
    }
  }
}

template <class T>
void copyPatches(const PixelLines& lines, int64_t begin, int64_t end, int64_t steps,
                 const PatchSource<T>& from, const int64_t* offsets, int64_t farthest, T* to,
                 int64_t toStep) {
  if (steps == 0) return;
  const auto& kernels = floatKernels<T>().gemm;
  // As many as a panel has columns, so that a panel's moves are never cut: a vector of the last one
  // may reach into the next step.
  constexpr int kMoves = 64;
  CopyMove moves[kMoves];
  int count = 0;
  const auto flush = [&] {
    if (count > 0) kernels.copyVectors(steps, from.x, offsets, moves, count, to, toStep);
    count = 0;
  };
  eachRun(lines, begin, end, [&](const CopyRun& run) {
    // Memory may end with the image: what whole vectors would read beyond isn't read.
    if (run.from + roundUp(run.count, kVector<T>) + farthest > from.room) {
      flush();
      return kernels.copyRuns(steps, from.x, offsets, 0, &run, 1, to, toStep);
    }
    for (int64_t j = 0; j < run.count; j += kVector<T>) {
      if (count == kMoves) flush();
      moves[count++] = {run.from + j, run.to + j};
    }
  });
  flush();
}

template void copyPatches(const PixelLines& lines, int64_t begin, int64_t end, int64_t steps,
                          const PatchSource<float>& from, const int64_t* offsets, int64_t farthest,
                          float* to, int64_t toStep);
template void copyPatches(const PixelLines& lines, int64_t begin, int64_t end, int64_t steps,
                          const PatchSource<double>& from, const int64_t* offsets, int64_t farthest,
                          double* to, int64_t toStep);

template <class T>
void PatchProduct<T>::runDirect(const T* x, int64_t i0, int64_t i1, int64_t j0, int64_t j1, T* c,
                                int64_t cRow) const {
  const auto& kernels = floatKernels<T>().gemm;
  for (int64_t i = i0; i < i1; ++i, c += cRow) {
    const T* const row = a + i * aRow;
    const T first = startInA ? row[0] : start ? start[i] : T{0};
    eachRun(pixels, j0, j1, [&](const CopyRun& run) {
      kernels.sumTaps(steps - startInA, row + startInA, first, x + run.from, offsets, run.count,
                      c + run.to);
    });
  }
}

template <class T>
Status PatchProduct<T>::run(const PatchSource<T>& from, int64_t i0, int64_t i1, int64_t j0,
                            int64_t j1, T* c, int64_t cRow, const ImageView<T>* next) const {
  const GemmKernels<T>& kernels = floatKernels<T>().gemm;
  constexpr int64_t kBytes = static_cast<int64_t>(sizeof(T));
  const int64_t width = kernels.maxCols, most = kPatchBytesDeep / kBytes;
  if (i0 >= i1 || j0 >= j1) return Status::ok;
  if (i1 - i0 <= kDirectRows) {
    runDirect(from.x, i0, i1, j0, j1, c, cRow);
    return Status::ok;
  }
  const bool fills = start && !startInA;
  if (fills || steps == 0) {
    for (int64_t i = i0; i < i1; ++i) {
      T* const row = c + (i - i0) * cRow;
      for (int64_t j = 0; j < j1 - j0; ++j) row[j] = fills ? start[i] : T{0};
    }
  }
  if (steps == 0) return Status::ok;
  const int64_t depth = ceilDiv(steps, ceilDiv(steps, most));
  const bool small = (i1 - i0) * depth * kBytes <= kRowBytes;
  const int64_t panels = small ? 1 : min64(kPanels, ceilDiv(j1 - j0, width));
  const int64_t blockRows = max64(kernels.maxRows, kRowBytes / (depth * kBytes));
  T* const block = static_cast<T*>(scratch(
      ScratchSlot::panel, static_cast<size_t>((panels * depth * width + kVector<T>)*kBytes)));
  if (!block) return Status::outOfMemory;
  Ahead ahead;
  if (next) {
    const int64_t pieces = ceilDiv(steps, depth) * ceilDiv(j1 - j0, width);
    ahead = Ahead(next->data, next->bytes(), pieces * ceilDiv(i1 - i0, kernels.maxRows));
  }
  for (int64_t j = j0; j < j1; j += panels * width) {
    const int64_t end = min64(j1, j + panels * width);
    for (int64_t p = 0; p < steps; p += depth) {
      GemmTile<T> tile{};
      tile.k = min64(depth, steps - p);
      tile.aRow = aRow;
      tile.aCol = 1;
      tile.bRow = width;
      tile.cRow = cRow;
      tile.beta = p > 0 || fills ? T{1} : T{0};
      const int64_t one = startInA && p == 0;
      for (int64_t at = j; at < end; at += width) {
        T* const panel = block + (at - j) * depth;
        if (one) {
          for (int64_t i = 0; i < width; ++i) panel[i] = T{1};
        }
        copyPatches(pixels, at, min64(end, at + width), tile.k - one, from,
                    offsets + p - startInA + one, farthest, panel + one * width, width);
      }
      for (int64_t i = i0; i < i1; i += blockRows) {
        const int64_t rowsHere = min64(blockRows, i1 - i);
        for (int64_t at = j; at < end; at += width) {
          tile.cols = min64(width, end - at);
          tile.b = block + (at - j) * depth;
          tile.a = a + i * aRow + p;
          tile.c = c + (i - i0) * cRow + at - j0;
          eachTile(rowsHere, kernels.maxRows, [&](int64_t height) {
            tile.nextC = tile.c + height * cRow;
            ahead.ask(&tile);
            kernels.tile[height - 1](tile);
            tile.a += height * aRow;
            tile.c += height * cRow;
          });
        }
      }
    }
  }
  return Status::ok;
}

template struct PatchProduct<float>;
template struct PatchProduct<double>;

ConvShape convShape(const Command& c, bool geometryIsOutput) {
  ConvShape s;
  int at = 0;
  const auto next = [&] { return c.number[at++].i; };
  s.n = next();
  s.groups = next();
  s.og = next();
  s.cg = next();
  for (int64_t& size : s.kernel) size = next();
  for (int i = 0; i < kAxes; ++i) {
    const int64_t size = next(), other = c.geometry.rank == 5 ? c.geometry.shape[2 + i] : 0;
    s.in[i] = geometryIsOutput ? size : other;
    s.out[i] = geometryIsOutput ? other : size;
  }
  for (int64_t& step : s.stride) step = next();
  for (int64_t& places : s.padding) places = next();
  for (int64_t& step : s.dilation) step = next();
  return s;
}

const char* checkConv(const Command& c, bool geometryIsOutput) {
  if (c.geometry.rank != 5) return "an image has 5 dimensions";
  const ConvShape s = convShape(c, geometryIsOutput);
  for (const int64_t size : {s.n, s.groups, s.og, s.cg}) {
    if (size > kMaxExtent) return "a number of the geometry is too large";
  }
  for (int i = 0; i < kAxes; ++i) {
    if (s.kernel[i] < 1 || s.stride[i] < 1 || s.dilation[i] < 1 || s.padding[i] < 0) {
      return "kernel, stride and dilation begin at 1, padding at 0";
    }
    for (const int64_t size :
         {s.kernel[i], s.in[i], s.out[i], s.stride[i], s.padding[i], s.dilation[i]}) {
      if (size > kMaxExtent) return "a number of the geometry is too large";
    }
  }
  const int64_t channels = s.groups * (geometryIsOutput ? s.og : s.cg);
  if (c.geometry.shape[0] != s.n || c.geometry.shape[1] != channels) {
    return "the image doesn't have the numbers of images and channels";
  }
  // What is copied of an image at a time, in either direction.
  const double inputs = static_cast<double>(s.cg), outputs = static_cast<double>(s.og);
  const double window =
      geometryIsOutput ? outputs * outputWindow(s).elements() : inputs * inputWindow(s).elements();
  const double held = inputs * productOf(s.in) + outputs * productOf(s.out);
  return window > 4 * held + kSpareElements ? "padding and dilation reach too far beyond the "
                                              "image: a padded one would have more than "
                                              "2^26 elements and 4 times its own"
                                            : nullptr;
}

Window inputWindow(const ConvShape& s) {
  Window window;
  for (int i = 0; i < kAxes; ++i) {
    window.start[i] = -s.padding[i];
    window.size[i] = max64(0, s.out[i] - 1) * s.stride[i] + (s.kernel[i] - 1) * s.dilation[i] + 1;
  }
  window.phases = min64(s.stride[2], window.size[2]);
  return window;
}

Window outputWindow(const ConvShape& s) {
  Window window;
  for (int i = 0; i < kAxes; ++i) {
    const int64_t reach = (s.kernel[i] - 1) * s.dilation[i];
    const int64_t remainders = min64(s.stride[i], max64(1, s.in[i]));
    window.start[i] = floorDiv(s.padding[i] - reach, s.stride[i]);
    const int64_t end = floorDiv(remainders - 1 + s.padding[i], s.stride[i]);
    window.size[i] = end - window.start[i] + max64(1, ceilDiv(s.in[i], s.stride[i]));
  }
  window.phases = 1;
  return window;
}

template <class T>
ImageView<T> imageView(const Command& c, const void* data, int64_t n, int64_t g, int64_t channels) {
  const Geometry& geometry = c.geometry;
  const int64_t* const stride = geometry.stride[0];
  ImageView<T> view;
  view.data = static_cast<const T*>(data) + n * stride[0] + g * channels * stride[1];
  view.channels = channels;
  view.channelStride = stride[1];
  for (int i = 0; i < kAxes; ++i) {
    view.size[i] = geometry.shape[2 + i];
    view.stride[i] = stride[2 + i];
  }
  view.end = static_cast<const T*>(data) + 1;
  for (int i = 0; i < geometry.rank; ++i) view.end += (geometry.shape[i] - 1) * max64(0, stride[i]);
  return view;
}

template ImageView<float> imageView(const Command& c, const void* data, int64_t n, int64_t g,
                                    int64_t channels);
template ImageView<double> imageView(const Command& c, const void* data, int64_t n, int64_t g,
                                     int64_t channels);

template <class T>
int64_t inputOffsets(const ConvShape& s, const Stage<T>& stage, int64_t* offsets) {
  int64_t farthest = 0;
  for (int64_t c = 0; c < s.cg; ++c) {
    for (int64_t d = 0; d < s.kernel[0]; ++d) {
      for (int64_t h = 0; h < s.kernel[1]; ++h) {
        for (int64_t w = 0; w < s.kernel[2]; ++w) {
          *offsets = c * stage.channelStride +
                     stage.offset(d * s.dilation[0], h * s.dilation[1], w * s.dilation[2]);
          farthest = max64(farthest, *offsets++);
        }
      }
    }
  }
  return farthest;
}

template int64_t inputOffsets(const ConvShape& s, const Stage<float>& stage, int64_t* offsets);
template int64_t inputOffsets(const ConvShape& s, const Stage<double>& stage, int64_t* offsets);

template <class T>
PixelLines outputPixels(const ConvShape& s, const Stage<T>& stage) {
  PixelLines lines = {{s.out[0], s.out[1], s.out[2]},
                      {s.stride[0] * stage.stride[0], s.stride[1] * stage.stride[1], 1}};
  lines.join();
  return lines;
}

template PixelLines outputPixels(const ConvShape& s, const Stage<float>& stage);
template PixelLines outputPixels(const ConvShape& s, const Stage<double>& stage);

double convWork(const ConvShape& s) {
  return static_cast<double>(s.n) * static_cast<double>(s.groups) * static_cast<double>(s.og) *
         static_cast<double>(s.cg) * productOf(s.kernel) * productOf(s.out);
}

template <class T>
T* stageMemory(const Stage<T>& stage) {
  if (!stage.copies()) return nullptr;
  const size_t bytes = static_cast<size_t>(stage.elements()) * sizeof(T);
  T* const memory = static_cast<T*>(scratch(ScratchSlot::block, bytes));
  if (memory) memset(memory, 0, bytes);
  return memory;
}

template float* stageMemory(const Stage<float>& stage);
template double* stageMemory(const Stage<double>& stage);

Share shareOf(int64_t total, int64_t grain, int64_t part, int64_t parts) {
  const int64_t units = ceilDiv(total, grain);
  return {min64(total, units * part / parts * grain),
          min64(total, units * (part + 1) / parts * grain)};
}

}  // namespace tilegrad
