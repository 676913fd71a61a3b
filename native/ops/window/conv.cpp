// Convolution and its transpose. For each image and group, the output is W times the patches of the
// input. The transpose, which is also the gradient of the input, is a convolution of the output's
// gradient: with stride s, input pixels whose places have the same remainder modulo s see the same
// taps, so that each such phase is a convolution of stride 1 of its own and no zero is inserted.
#include <string.h>

#include <numeric>

#include "../../base/scratch.h"
#include "../rows.h"
#include "../product/gemm.h"
#include "../product/gemm_threads.h"
#include "conv_patches.h"

namespace tilegrad {
namespace {

// From so many pixels on, the weight is copied: with the bias as a column before it, and to rows
// that don't lie a multiple of 4 KB apart.
constexpr int64_t kCopyPixels = 512;
// Rows of the transpose's weight that are written together: each is a stream of its own.
constexpr int64_t kTurnedRows = 16;

template <class T>
void fillRows(int64_t rows, int64_t cols, const T* start, T* c) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) *c++ = start ? start[i] : T{0};
  }
}

int threadsFor(const ConvShape& s) {
  return worthThreads(convWork(s), numThreads()) ? numThreads() : 1;
}

bool empty(const int64_t* sizes) { return sizes[0] == 0 || sizes[1] == 0 || sizes[2] == 0; }

int64_t volume(const int64_t* sizes) { return sizes[0] * sizes[1] * sizes[2]; }

// A kernel of one tap that moves with the pixels: W times the image as it is.
template <class T>
Status pointwise(const Command& c, const ConvShape& s, const T* weight, bool transposed,
                 const T* bias, T* y) {
  const int64_t pixels = volume(s.out), rows = transposed ? s.cg : s.og;
  const auto item = [&](int64_t i) {
    const ImageView<T> image =
        imageView<T>(c, c.data[0], i / s.groups, i % s.groups, transposed ? s.og : s.cg);
    Product<T> g{};
    g.m = rows;
    g.n = pixels;
    g.k = image.channels;
    g.a = weight + i % s.groups * s.og * s.cg;
    g.aRow = transposed ? 1 : s.cg;
    g.aCol = transposed ? s.cg : 1;
    g.b = image.data;
    g.bRow = image.channelStride;
    g.bCol = 1;
    g.c = y + i * rows * pixels;
    g.cRow = pixels;
    g.alpha = 1;
    g.finish = {Activation::none, Side::none, 0};
    if (bias) {
      g.beta = 1;
      fillRows(rows, pixels, bias + i % s.groups * rows, g.c);
    }
    return g;
  };
  return overBatch(
      s.n * s.groups, worthThreads(convWork(s), numThreads()),
      [&](int64_t i) { return multiply(item(i), 1); },
      [&](int64_t i) { return multiply(item(i), numThreads()); });
}

// Whether pixels and channels of the image lie so that `pointwise` can read them.
bool isPointwise(const Command& c, const ConvShape& s) {
  const int64_t* const size = c.geometry.shape + 2;
  const int64_t* const stride = c.geometry.stride[0] + 2;
  for (int i = 0; i < kAxes; ++i) {
    if (s.kernel[i] != 1 || s.stride[i] != 1 || s.padding[i] != 0 || s.in[i] != s.out[i]) {
      return false;
    }
  }
  return (size[2] == 1 || stride[2] == 1) && (size[1] == 1 || stride[1] == size[2]) &&
         (size[0] == 1 || stride[0] == size[1] * size[2]);
}

template <class T>
Status forward(const Command& c) {
  const ConvShape s = convShape(c, false);
  const T* const weight = static_cast<const T*>(c.data[1]);
  const T* const bias = static_cast<const T*>(c.data[2]);
  T* const y = static_cast<T*>(c.data[3]);
  const int64_t images = s.n * s.groups;
  if (images == 0 || s.og == 0 || empty(s.out)) return Status::ok;
  const int64_t pixels = volume(s.out), steps = s.cg * s.taps();
  if (steps == 0 || empty(s.in)) {
    for (int64_t i = 0; i < images; ++i) {
      fillRows(s.og, pixels, bias ? bias + i % s.groups * s.og : nullptr, y + i * s.og * pixels);
    }
    return Status::ok;
  }
  if (isPointwise(c, s)) return pointwise(c, s, weight, false, bias, y);

  const Stage<T> stage(inputWindow(s), imageView<T>(c, c.data[0], 0, 0, s.cg));
  PatchProduct<T> product;
  product.rows = s.og;
  product.pixels = outputPixels(s, stage);
  product.startInA = bias && s.n * pixels >= kCopyPixels;
  const bool copies = product.startInA || steps * static_cast<int64_t>(sizeof(T)) % 4096 == 0;
  product.steps = steps + product.startInA;
  product.aRow = copies ? product.steps + kCopyPadding : steps;
  const int64_t rows = s.groups * s.og;
  const size_t places = static_cast<size_t>(steps) * sizeof(int64_t);
  void* const memory =
      scratch(ScratchSlot::partial,
              places + (copies ? static_cast<size_t>(rows * product.aRow) * sizeof(T) : 0));
  if (!memory) return Status::outOfMemory;
  int64_t* const offsets = static_cast<int64_t*>(memory);
  product.farthest = inputOffsets(s, stage, offsets);
  product.offsets = offsets;
  T* const copy = reinterpret_cast<T*>(offsets + steps);
  for (int64_t i = 0; copies && i < rows; ++i) {
    T* const row = copy + i * product.aRow;
    if (product.startInA) row[0] = bias[i];
    memcpy(row + product.startInA, weight + i * steps, static_cast<size_t>(steps) * sizeof(T));
  }
  return overImages(
      images, threadsFor(s), [&](int64_t first, int64_t last, int64_t part, int64_t parts) {
        T* const own = stageMemory(stage);
        if (stage.copies() && !own) return Status::outOfMemory;
        const int64_t width = floatKernels<T>().gemm.maxCols;
        const bool cutsPixels = pixels >= parts * width;
        const Share j = cutsPixels ? shareOf(pixels, width, part, parts) : Share{0, pixels};
        const Share r = cutsPixels ? Share{0, s.og} : shareOf(s.og, 1, part, parts);
        for (int64_t i = first; i < last; ++i) {
          const int64_t g = i % s.groups;
          PatchProduct<T> one = product;
          one.a = (copies ? copy : weight) + g * s.og * product.aRow;
          one.start = bias ? bias + g * s.og : nullptr;
          const PatchSource<T> from =
              stage.read(imageView<T>(c, c.data[0], i / s.groups, g, s.cg), own);
          const ImageView<T> next =
              imageView<T>(c, c.data[0], (i + 1) / s.groups, (i + 1) % s.groups, s.cg);
          T* const to = y + (i * s.og + r.begin) * pixels + j.begin;
          const Status status = one.run(from, r.begin, r.end, j.begin, j.end, to, pixels,
                                        i + 1 < last ? &next : nullptr);
          if (status != Status::ok) return status;
        }
        return Status::ok;
      });
}

// The taps that input pixels of one remainder see along one axis: first, first + every, ... The
// output pixel of the first input pixel under the first tap, and how far one tap moves it.
struct AxisPhase {
  int64_t remainder, pixels;  // 0 pixels: there is no such input pixel
  int64_t first, every, taps;
  int64_t place, step;
};

AxisPhase axisPhase(const ConvShape& s, int axis, int64_t number) {
  const int64_t stride = s.stride[axis], dilation = s.dilation[axis];
  const int64_t common = std::gcd(stride, dilation);
  AxisPhase phase;
  phase.first = number;
  phase.every = stride / common;
  phase.taps = ceilDiv(s.kernel[axis] - number, phase.every);
  const int64_t shift = number * dilation - s.padding[axis];
  phase.remainder = (shift % stride + stride) % stride;
  phase.pixels = phase.remainder < s.in[axis] ? ceilDiv(s.in[axis] - phase.remainder, stride) : 0;
  phase.place = (phase.remainder - shift) / stride;
  phase.step = -dilation / common;
  return phase;
}

int64_t axisPhases(const ConvShape& s, int axis) {
  return min64(s.kernel[axis], s.stride[axis] / std::gcd(s.stride[axis], s.dilation[axis]));
}

// Input pixels whose remainders along all axes are the same.
struct Phase {
  AxisPhase axis[kAxes];

  int64_t taps() const { return axis[0].taps * axis[1].taps * axis[2].taps; }
  int64_t pixels() const { return axis[0].pixels * axis[1].pixels * axis[2].pixels; }

  // f(tap, d, h, w) for each tap in order, with its place in the output of the first pixel.
  template <class F>
  void eachTap(const ConvShape& s, const F& f) const {
    for (int64_t d = 0; d < axis[0].taps; ++d) {
      for (int64_t h = 0; h < axis[1].taps; ++h) {
        for (int64_t w = 0; w < axis[2].taps; ++w) {
          const int64_t number[kAxes] = {d, h, w};
          int64_t tap = 0, place[kAxes];
          for (int i = 0; i < kAxes; ++i) {
            tap = tap * s.kernel[i] + axis[i].first + number[i] * axis[i].every;
            place[i] = axis[i].place + number[i] * axis[i].step;
          }
          f(tap, place[0], place[1], place[2]);
        }
      }
    }
  }

  // Pixels [begin, end) of rows `fromRow` apart, to their places in the image.
  template <class T>
  void spread(const ConvShape& s, int64_t rows, int64_t begin, int64_t end, const T* from,
              int64_t fromRow, T* image) const {
    const int64_t plane = volume(s.in);
    const PixelLines lines = {{axis[0].pixels, axis[1].pixels, axis[2].pixels},
                              {s.stride[0] * s.in[1] * s.in[2], s.stride[1] * s.in[2], 0}};
    const int64_t origin =
        (axis[0].remainder * s.in[1] + axis[1].remainder) * s.in[2] + axis[2].remainder;
    for (int64_t i = 0; i < rows; ++i) {
      const T* const row = from + i * fromRow;
      T* const to = image + i * plane + origin;
      int64_t skipped = begin % lines.size[2];
      eachRun(lines, begin, end, [&](const CopyRun& run) {
        // Only the first run can begin within a row; its pixels before that take a stride each.
        T* const line = to + run.from + skipped * (s.stride[2] - 1);
        for (int64_t j = 0; j < run.count; ++j) line[j * s.stride[2]] = row[run.to + j];
        skipped = 0;
      });
    }
  }
};

// The phases of a transposed convolution that have taps and pixels.
class Phases {
 public:
  explicit Phases(const ConvShape& shape) : s(shape) {
    for (int i = 0; i < kAxes; ++i) count[i] = axisPhases(s, i);
    covers = true;
    for (int i = 0; i < kAxes; ++i) {
      int64_t pixels = 0;
      for (int64_t number = 0; number < count[i]; ++number) {
        pixels += axisPhase(s, i, number).pixels;
      }
      if (pixels < s.in[i]) covers = false;
    }
  }

  template <class F>
  Status each(const F& f) const {
    for (int64_t d = 0; d < count[0]; ++d) {
      for (int64_t h = 0; h < count[1]; ++h) {
        for (int64_t w = 0; w < count[2]; ++w) {
          const Phase phase = {{axisPhase(s, 0, d), axisPhase(s, 1, h), axisPhase(s, 2, w)}};
          if (phase.pixels() == 0) continue;
          const Status status = f(phase);
          if (status != Status::ok) return status;
        }
      }
    }
    return Status::ok;
  }

  // At most how many there are.
  int64_t number() const { return volume(count); }

  // Whether every input pixel belongs to one.
  bool covers;

 private:
  const ConvShape& s;
  int64_t count[kAxes];
};

// Rows [begin, end) of A, `length` apart: the bias, and of each output the taps that are named.
// What a few rows take of an output lies together: row by row, 512 x 512 x 9 values were taken from
// as many cache lines, and took as long as their products with 7 x 7 pixels of 8 images.
template <class T>
void turnWeight(const ConvShape& s, const T* weight, const T* bias, const int64_t* numbers,
                int64_t count, int64_t begin, int64_t end, int64_t length, T* rows) {
  const int64_t taps = s.taps();
  for (int64_t first = begin; first < end; first += kTurnedRows) {
    const int64_t last = min64(end, first + kTurnedRows);
    for (int64_t i = first; i < last; ++i) rows[i * length] = bias ? bias[i] : T{0};
    for (int64_t o = 0; o < s.og; ++o) {
      for (int64_t i = first; i < last; ++i) {
        const T* const from = weight + ((i / s.cg * s.og + o) * s.cg + i % s.cg) * taps;
        T* const to = rows + i * length + 1 + o * count;
        for (int64_t k = 0; k < count; ++k) to[k] = from[numbers[k]];
      }
    }
  }
}

template <class T>
Status transposed(const Command& c) {
  const ConvShape s = convShape(c, true);
  const T* const weight = static_cast<const T*>(c.data[1]);
  const T* const bias = static_cast<const T*>(c.data[2]);
  T* const x = static_cast<T*>(c.data[3]);
  const int64_t images = s.n * s.groups;
  if (images == 0 || s.cg == 0 || empty(s.in)) return Status::ok;
  const int64_t plane = volume(s.in);
  const bool nothing = s.og == 0 || empty(s.out);
  if (!nothing && isPointwise(c, s)) return pointwise(c, s, weight, true, bias, x);
  const Phases phases(s);
  if (nothing || !phases.covers) {
    for (int64_t i = 0; i < images; ++i) {
      fillRows(s.cg, plane, bias ? bias + i % s.groups * s.cg : nullptr, x + i * s.cg * plane);
    }
    if (nothing) return Status::ok;
  }

  const Window window = outputWindow(s);
  const Stage<T> stage(window, imageView<T>(c, c.data[0], 0, 0, s.og));
  // The operands of all phases: the steps' places, and rows of A with a start before each and a gap
  // after it.
  const int64_t steps = s.og * s.taps(), extra = 1 + kCopyPadding;
  const int64_t elements = s.groups * s.cg * (steps + phases.number() * extra);
  const size_t places = static_cast<size_t>(steps + s.taps()) * sizeof(int64_t);
  void* const memory =
      scratch(ScratchSlot::partial, places + static_cast<size_t>(elements) * sizeof(T));
  if (!memory) return Status::outOfMemory;
  int64_t* const offsets = static_cast<int64_t*>(memory);
  int64_t* const numbers = offsets + steps;  // of a phase's taps
  T* const rows = reinterpret_cast<T*>(numbers + s.taps());
  int64_t* offset = offsets;
  int64_t farthest = 0;
  T* row = rows;
  phases.each([&](const Phase& phase) {
    for (int64_t o = 0; o < s.og; ++o) {
      phase.eachTap(s, [&](int64_t, int64_t d, int64_t h, int64_t w) {
        *offset = o * stage.channelStride +
                  stage.offset(d - window.start[0], h - window.start[1], w - window.start[2]);
        farthest = max64(farthest, *offset++);
      });
    }
    int64_t count = 0;
    phase.eachTap(s, [&](int64_t tap, int64_t, int64_t, int64_t) { numbers[count++] = tap; });
    const int64_t length = s.og * count + extra;
    const int64_t bytes = length * static_cast<int64_t>(sizeof(T));
    parallelShares(s.groups * s.cg, kTurnedRows, bytes, kLightShare,
                   [&](int64_t begin, int64_t end) {
                     turnWeight(s, weight, bias, numbers, count, begin, end, length, row);
                   });
    row += s.groups * s.cg * length;
    return Status::ok;
  });

  return overImages(
      images, threadsFor(s), [&](int64_t first, int64_t last, int64_t part, int64_t parts) {
        T* const own = stageMemory(stage);
        if (stage.copies() && !own) return Status::outOfMemory;
        for (int64_t i = first; i < last; ++i) {
          const int64_t g = i % s.groups;
          const PatchSource<T> image =
              stage.read(imageView<T>(c, c.data[0], i / s.groups, g, s.og), own);
          const ImageView<T> following =
              imageView<T>(c, c.data[0], (i + 1) / s.groups, (i + 1) % s.groups, s.og);
          const ImageView<T>* next = i + 1 < last ? &following : nullptr;
          PatchProduct<T> product;
          product.rows = s.cg;
          product.startInA = bias != nullptr;
          product.start = nullptr;
          product.offsets = offsets;
          product.farthest = farthest;
          const T* a = rows;
          const Status status = phases.each([&](const Phase& phase) {
            product.steps = s.og * phase.taps() + product.startInA;
            product.aRow = s.og * phase.taps() + extra;
            product.a = a + g * s.cg * product.aRow + !product.startInA;
            product.pixels = {{phase.axis[0].pixels, phase.axis[1].pixels, phase.axis[2].pixels},
                              {stage.stride[0], stage.stride[1], 1}};
            product.pixels.join();
            const int64_t pixels = phase.pixels();
            const Share j = shareOf(pixels, floatKernels<T>().gemm.maxCols, part, parts);
            T* const whole = x + i * s.cg * plane;
            Status done = Status::ok;
            if (pixels == plane) {
              done = product.run(image, 0, s.cg, j.begin, j.end, whole + j.begin, plane, next);
            } else if (j.begin < j.end) {
              const int64_t cols = j.end - j.begin;
              T* const apart = static_cast<T*>(
                  scratch(ScratchSlot::result, static_cast<size_t>(s.cg * cols) * sizeof(T)));
              if (!apart) return Status::outOfMemory;
              done = product.run(image, 0, s.cg, j.begin, j.end, apart, cols, next);
              phase.spread(s, s.cg, j.begin, j.end, apart, cols, whole);
            }
            a += s.groups * s.cg * product.aRow;
            product.offsets += s.og * phase.taps();
            next = nullptr;  // the first phase has asked for it
            return done;
          });
          if (status != Status::ok) return status;
        }
        return Status::ok;
      });
}

Status conv(const Command& c) {
  return c.type[0] == DType::float64 ? forward<double>(c) : forward<float>(c);
}

Status convInput(const Command& c) {
  return c.type[0] == DType::float64 ? transposed<double>(c) : transposed<float>(c);
}

const char* checkForward(const Command& c) { return checkConv(c, false); }
const char* checkTransposed(const Command& c) { return checkConv(c, true); }

const Row kRows[] = {
    // y[n, g, o] = bias[g, o] + sum over channels c and taps k of weight[g, o, c, k] times
    // x[n, g, c] at stride * place + dilation * k - padding, zero outside of x, whose geometry is
    // [n, groups * cg, depth, height, width].
    {"conv",
     "in x T[@] in weight T[groups og cg kd kh kw] opt bias T[groups og] "
     "out y T[n groups og od oh ow]; n groups og cg kd kh kw od oh ow size "
     "sd sh sw pd ph pw dd dh dw int",
     conv, checkForward},
    // Its transpose, of an image g with the geometry [n, groups * og, depth, height, width]: every
    // pixel of g times the weight is added where conv would have read.
    {"convInput",
     "in g T[@] in weight T[groups og cg kd kh kw] opt bias T[groups cg] "
     "out x T[n groups cg id ih iw]; n groups og cg kd kh kw id ih iw size "
     "sd sh sw pd ph pw dd dh dw int",
     convInput, checkTransposed},
    // The gradient of conv's weight for a gradient g of y.
    {"convWeight",
     "in x T[@] in g T[n groups og od oh ow] out weight T[groups og cg kd kh kw]; "
     "n groups og cg kd kh kw od oh ow size sd sh sw pd ph pw dd dh dw int",
     convWeight, checkForward},
};

}  // namespace

RowList convRows() { return rowList(kRows); }

}  // namespace tilegrad
