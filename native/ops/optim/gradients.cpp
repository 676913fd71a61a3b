// Gradients of many parameters at once: their norm, and scaling and clamping them in place. A
// command goes through all the stretches of one array that its table of segments names.
#include "../../base/scratch.h"
#include "../dispatch.h"
#include "../rows.h"
#include "segments.h"

namespace tilegrad {
namespace {

// Fields of a segment: where it begins, how many elements it has, and for the norms which of them
// it is.
constexpr int kSegmentFields = 3;

// Values of which one thread makes one partial result: 256 KB of float32, a share of light work.
constexpr int64_t kNormPiece = 65536;

enum class NormKind : int64_t { squares, magnitudes, largest, count };

// A segment of a command: see the rows' signatures.
template <class T>
struct Part {
  T* x;
  int64_t n, slot;
  int64_t endLine;
};

// Reads entry i. False when it reaches outside the array, or its slot outside the norms.
bool readSegment(const double* segments, int64_t i, int64_t length, int64_t slots,
                 int64_t (&at)[kSegmentFields]) {
  for (int k = 0; k < kSegmentFields; ++k) {
    if (!toIndex(segments[i * kSegmentFields + k], &at[k])) return false;
  }
  return isInside(at[0], at[1], length) && at[2] < slots;
}

// The command's segments in scratch memory, null when that ran out. The table was checked when it
// was recorded, but may have changed since: what doesn't fit any more is left out.
template <class T>
Part<T>* readParts(T* x, const double* segments, int64_t length, int64_t count, int64_t slots,
                   int64_t* used) {
  Part<T>* const parts = static_cast<Part<T>*>(
      scratch(ScratchSlot::block, static_cast<size_t>(count + 1) * sizeof(Part<T>)));
  *used = 0;
  if (!parts) return nullptr;
  int64_t lines = 0;
  for (int64_t i = 0; i < count; ++i) {
    int64_t at[kSegmentFields];
    if (!readSegment(segments, i, length, slots, at)) continue;
    lines += linesOf<T>(at[1]);
    parts[(*used)++] = {x + at[0], at[1], at[2], lines};
  }
  return parts;
}

const char* checkSegments(const double* segments, int64_t length, int64_t count, int64_t slots) {
  for (int64_t i = 0; i < count; ++i) {
    int64_t at[kSegmentFields];
    if (!readSegment(segments, i, length, slots, at)) return "a segment reaches outside the array";
  }
  return nullptr;
}

double larger(double a, double b) { return a != a || a > b ? a : b; }

double combined(NormKind kind, double a, double b) {
  return kind == NormKind::largest ? larger(a, b) : a + b;
}

template <class T>
Status normsOf(const Command& c) {
  const int64_t count = c.number[2].i;
  const NormKind kind = static_cast<NormKind>(c.number[3].i);
  int64_t used;
  const Part<const T>* const parts =
      readParts(static_cast<const T*>(c.data[0]), static_cast<const double*>(c.data[2]),
                c.number[0].i, count, c.number[1].i, &used);
  if (!parts) return Status::outOfMemory;
  int64_t pieces = 0;
  for (int64_t i = 0; i < used; ++i) pieces += (parts[i].n + kNormPiece - 1) / kNormPiece;
  double* const partial = static_cast<double*>(
      scratch(ScratchSlot::partial, static_cast<size_t>(pieces + 1) * sizeof(double)));
  if (!partial) return Status::outOfMemory;
  const NormKernels<T>& kernels = floatKernels<T>().norm;
  const auto kernel = kind == NormKind::squares      ? kernels.squares
                      : kind == NormKind::magnitudes ? kernels.magnitudes
                                                     : kernels.largest;
  const auto run = [&](int64_t begin, int64_t end) {
    int64_t piece = 0;  // the first one of part i
    for (int64_t i = 0; i < used && piece < end; ++i) {
      for (int64_t at = 0; at < parts[i].n; at += kNormPiece, ++piece) {
        if (piece < begin || piece >= end) continue;
        const int64_t left = parts[i].n - at;
        partial[piece] = kernel(left < kNormPiece ? left : kNormPiece, parts[i].x + at);
      }
    }
  };
  const int64_t lines = used > 0 ? parts[used - 1].endLine : 0;
  if (lines * kCacheLine < 2 * kLightShare) {
    run(0, pieces);
  } else {
    parallelFor(pieces, 1, run);
  }
  double* const norms = static_cast<double*>(c.data[1]);
  const double* next = partial;
  for (int64_t i = 0; i < used; ++i) {
    double value = 0;
    for (int64_t at = 0; at < parts[i].n; at += kNormPiece) value = combined(kind, value, *next++);
    norms[parts[i].slot] = value;
  }
  return Status::ok;
}

Status gradNorms(const Command& c) {
  return c.type[0] == DType::float64 ? normsOf<double>(c) : normsOf<float>(c);
}

const char* checkKind(int64_t kind) {
  return kind < 0 || kind >= static_cast<int64_t>(NormKind::count) ? "no such kind of norm"
                                                                   : nullptr;
}

const char* checkNorms(const Command& c) {
  const char* const problem = checkKind(c.number[3].i);
  if (problem) return problem;
  return checkSegments(static_cast<const double*>(c.data[2]), c.number[0].i, c.number[2].i,
                       c.number[1].i);
}

// The norm of all, and the factor that brings it down to the limit: torch.nn.utils.clip_grad_norm_
// divides by norm + 1e-6, and never scales up.
Status totalNorm(const Command& c) {
  const double* const norms = static_cast<const double*>(c.data[0]);
  double* const total = static_cast<double*>(c.data[1]);
  const int64_t slots = c.number[0].i;
  const NormKind kind = static_cast<NormKind>(c.number[1].i);
  const double limit = c.number[2].f;
  double norm = 0;
  for (int64_t i = 0; i < slots; ++i) norm = combined(kind, norm, norms[i]);
  if (kind == NormKind::squares) {
    const auto root = floatKernels<double>().elementwise.unary[static_cast<int>(Unary::sqrt)];
    root(1, &norm, &norm);
  }
  const double factor = limit / (norm + 1e-6);
  total[0] = norm;
  total[1] = factor > 1 ? 1 : factor;
  return Status::ok;
}

const char* checkTotal(const Command& c) { return checkKind(c.number[1].i); }

// x = a op b in place over all segments, for one scalar b after the other.
template <class T>
Status overSegments(const Command& c, const double* segments, int64_t count,
                    const BinaryKernel<T>* kernels, const T* scalars, int steps) {
  int64_t used;
  const Part<T>* const parts =
      readParts(static_cast<T*>(c.data[0]), segments, c.number[0].i, count, 1, &used);
  if (!parts) return Status::outOfMemory;
  // Two operations on a block that stays in the first-level cache: 16 KB of float32.
  constexpr int64_t kBlock = 4096;
  overParts<T>(parts, used, 2, [&](const Part<T>& part, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += kBlock) {
      const int64_t n = end - i < kBlock ? end - i : kBlock;
      T* const x = part.x + i;
      for (int k = 0; k < steps; ++k) kernels[k](n, x, 1, &scalars[k], 0, x);
    }
  });
  return Status::ok;
}

template <class T>
Status scaleOf(const Command& c) {
  const double factor = static_cast<const double*>(c.data[1])[1];
  if (factor == 1) return Status::ok;
  const BinaryKernel<T> kernel =
      floatKernels<T>().elementwise.binary[static_cast<int>(Binary::mul)];
  const T scalar = static_cast<T>(factor);
  return overSegments<T>(c, static_cast<const double*>(c.data[2]), c.number[1].i, &kernel, &scalar,
                         1);
}

Status scaleGrads(const Command& c) {
  return c.type[0] == DType::float64 ? scaleOf<double>(c) : scaleOf<float>(c);
}

const char* checkScale(const Command& c) {
  return checkSegments(static_cast<const double*>(c.data[2]), c.number[0].i, c.number[1].i, 1);
}

template <class T>
Status clampOf(const Command& c) {
  const auto& binary = floatKernels<T>().elementwise.binary;
  const BinaryKernel<T> kernels[] = {binary[static_cast<int>(Binary::maximum)],
                                     binary[static_cast<int>(Binary::minimum)]};
  const T limit = static_cast<T>(c.number[2].f);
  const T scalars[] = {-limit, limit};
  return overSegments<T>(c, static_cast<const double*>(c.data[1]), c.number[1].i, kernels, scalars,
                         2);
}

Status clampGrads(const Command& c) {
  return c.type[0] == DType::float64 ? clampOf<double>(c) : clampOf<float>(c);
}

const char* checkClamp(const Command& c) {
  return checkSegments(static_cast<const double*>(c.data[1]), c.number[0].i, c.number[1].i, 1);
}

const Row kRows[] = {
    // Each segment's sum of squares, sum of magnitudes or largest magnitude (kind 0, 1, 2) goes to
    // norms[its slot]. A long one is cut into pieces of kNormPiece values, whose results combine in
    // order.
    {"gradNorms",
     "in g T[gLength] out norms f64[slots] in segments f64[count 3]; "
     "gLength slots count size kind int",
     gradNorms, checkNorms},
    // total = the norm of all, and min(1, limit / (norm + 1e-6)).
    {"totalNorm", "in norms f64[slots] out total f64[2]; slots size kind int limit real", totalNorm,
     checkTotal},
    // g *= total[1]. The third field of a segment is 0 here and below.
    {"scaleGrads",
     "inout g T[gLength] in total f64[2] in segments f64[count 3]; gLength count size", scaleGrads,
     checkScale},
    // g = min(max(g, -limit), limit); NaN stays.
    {"clampGrads", "inout g T[gLength] in segments f64[count 3]; gLength count size limit real",
     clampGrads, checkClamp},
};

}  // namespace

RowList gradientRows() { return rowList(kRows); }

}  // namespace tilegrad
