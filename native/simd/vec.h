// The virtual vector: 16 floats or 8 doubles (64 bytes) on every level, as an array of the target's
// registers. Kernels are written over it, so that every level does the same operations in the same
// order. Functions have the names of reg.h and work lane by lane.
#pragma once
#include "reg.h"

TG_TARGET_BEGIN

// Where no lane depends on another (elementwise kernels), a file may define TG_ONE_REGISTER to have
// vectors of one register: the scalar level's code is then a sixteenth as large.
#if defined(TG_ONE_REGISTER)
template <class T>
constexpr int kLanes = Reg<T>::lanes;
#else
template <class T>
constexpr int kLanes = 64 / sizeof(T);
#endif

// Registers of a vector.
template <class T>
constexpr int kRegs = kLanes<T> / Reg<T>::lanes;

// Lane i is lane i % Reg<T>::lanes of r[i / Reg<T>::lanes].
template <class T>
struct Vec {
  Reg<T> r[kRegs<T>];
};

template <class T>
struct VMask {
  Mask<T> r[kRegs<T>];
};

template <class T>
struct IVec {
  IReg<T> r[kRegs<T>];
};

// The numbers of a vector's registers as a parameter pack. Functions expand packs instead of
// looping, so that no compiler has to unroll a loop before it can keep a vector in registers.
template <int... i>
struct RegList {};

template <int count, int... i>
struct MakeRegList : MakeRegList<count - 1, count - 1, i...> {};

template <int... i>
struct MakeRegList<0, i...> {
  using Type = RegList<i...>;
};

template <class T>
using RegsOf = typename MakeRegList<kRegs<T>>::Type;

template <class T, int... i>
TG_INLINE Vec<T> vloadEach(RegList<i...>, const T* p) {
  return {{load(p + i * Reg<T>::lanes)...}};
}

// Loads kLanes<T> elements from p (aligned to T only).
template <class T>
TG_INLINE Vec<T> vload(const T* p) {
  return vloadEach(RegsOf<T>(), p);
}

template <class T, int... i>
TG_INLINE Vec<T> vloadFirstEach(RegList<i...>, const T* p, int64_t n) {
  return {{loadFirst(p + i * Reg<T>::lanes, n - i * Reg<T>::lanes)...}};
}

// Loads p[0..n) into the first lanes and 0 into the others; reads nothing else. n <= 0 reads
// nothing, n >= kLanes<T> reads all lanes.
template <class T>
TG_INLINE Vec<T> vloadFirst(const T* p, int64_t n) {
  if constexpr (Reg<T>::lanes == 1) {  // a loop, as each register is a branch
    Vec<T> a;
    for (int i = 0; i < kRegs<T>; ++i) a.r[i] = loadFirst(p + i, n - i);
    return a;
  }
  return vloadFirstEach(RegsOf<T>(), p, n);
}

TG_INLINE Reg<double> loadDouble(const double* p) { return load(p); }

template <class T, int... i>
TG_INLINE Vec<double> vloadDoubleEach(RegList<i...>, const T* p) {
  return {{loadDouble(p + i * Reg<double>::lanes)...}};
}

// Loads kLanes<double> elements of either type as doubles.
template <class T>
TG_INLINE Vec<double> vloadDouble(const T* p) {
  return vloadDoubleEach(RegsOf<double>(), p);
}

template <class T, int... i>
TG_INLINE Vec<T> vsplatEach(RegList<i...>, T x) {
  return {{(static_cast<void>(i), splat<T>(x))...}};
}

// x in every lane: vsplat<T>(1).
template <class T>
TG_INLINE Vec<T> vsplat(T x) {
  return vsplatEach(RegsOf<T>(), x);
}

template <class T, int... i>
TG_INLINE IVec<T> visplatEach(RegList<i...>, typename Format<T>::Bits x) {
  return {{(static_cast<void>(i), isplat<T>(x))...}};
}

// x in every integer lane.
template <class T>
TG_INLINE IVec<T> visplat(typename Format<T>::Bits x) {
  return visplatEach<T>(RegsOf<T>(), x);
}

template <class T, int... i>
TG_INLINE VMask<T> vfirstLanesEach(RegList<i...>, int64_t n) {
  return {{firstLanes<T>(n - i * Reg<T>::lanes)...}};
}

// True in the first n lanes (n <= 0: none, n >= kLanes<T>: all).
template <class T>
TG_INLINE VMask<T> vfirstLanes(int64_t n) {
  return vfirstLanesEach<T>(RegsOf<T>(), n);
}

template <class T, int... i>
TG_INLINE void storeEach(RegList<i...>, T* p, Vec<T> a) {
  (store(p + i * Reg<T>::lanes, a.r[i]), ...);
}

template <class T>
TG_INLINE void store(T* p, Vec<T> a) {
  storeEach(RegsOf<T>(), p, a);
}

template <class T, int... i>
TG_INLINE void storePastEach(RegList<i...>, T* p, Vec<T> a) {
  (storePast(p + i * Reg<T>::lanes, a.r[i]), ...);
}

template <class T>
TG_INLINE void storePast(T* p, Vec<T> a) {
  storePastEach(RegsOf<T>(), p, a);
}

template <class T, int... i>
TG_INLINE void storeFirstEach(RegList<i...>, T* p, Vec<T> a, int64_t n) {
  (storeFirst(p + i * Reg<T>::lanes, a.r[i], n - i * Reg<T>::lanes), ...);
}

// Stores the first n lanes to p[0..n) and touches nothing else (n <= 0: none, n >= kLanes<T>: all).
template <class T>
TG_INLINE void storeFirst(T* p, Vec<T> a, int64_t n) {
  if constexpr (Reg<T>::lanes == 1) {
    for (int i = 0; i < kRegs<T>; ++i) storeFirst(p + i, a.r[i], n - i);
    return;
  }
  storeFirstEach(RegsOf<T>(), p, a, n);
}

// A function of reg.h, register by register: from vectors of kind A (and B, C) to one of kind R.
#define TG_LIFT_1(R, name, A)                        \
  template <class T, int... i>                       \
  TG_INLINE R<T> name##Each(RegList<i...>, A<T> a) { \
    return {{name(a.r[i])...}};                      \
  }                                                  \
  template <class T>                                 \
  TG_INLINE R<T> name(A<T> a) {                      \
    return name##Each(RegsOf<T>(), a);               \
  }
#define TG_LIFT_2(R, name, A, B)                             \
  template <class T, int... i>                               \
  TG_INLINE R<T> name##Each(RegList<i...>, A<T> a, B<T> b) { \
    return {{name(a.r[i], b.r[i])...}};                      \
  }                                                          \
  template <class T>                                         \
  TG_INLINE R<T> name(A<T> a, B<T> b) {                      \
    return name##Each(RegsOf<T>(), a, b);                    \
  }
#define TG_LIFT_3(R, name, A, B, C)                                  \
  template <class T, int... i>                                       \
  TG_INLINE R<T> name##Each(RegList<i...>, A<T> a, B<T> b, C<T> c) { \
    return {{name(a.r[i], b.r[i], c.r[i])...}};                      \
  }                                                                  \
  template <class T>                                                 \
  TG_INLINE R<T> name(A<T> a, B<T> b, C<T> c) {                      \
    return name##Each(RegsOf<T>(), a, b, c);                         \
  }
#define TG_LIFT_SHIFT(name)                                \
  template <int k, class T, int... i>                      \
  TG_INLINE IVec<T> name##Each(RegList<i...>, IVec<T> a) { \
    return {{name<k>(a.r[i])...}};                         \
  }                                                        \
  template <int k, class T>                                \
  TG_INLINE IVec<T> name(IVec<T> a) {                      \
    return name##Each<k>(RegsOf<T>(), a);                  \
  }

TG_LIFT_2(Vec, add, Vec, Vec)
TG_LIFT_2(Vec, sub, Vec, Vec)
TG_LIFT_2(Vec, mul, Vec, Vec)
TG_LIFT_2(Vec, div, Vec, Vec)
TG_LIFT_3(Vec, fma, Vec, Vec, Vec)   // a * b + c, rounded once
TG_LIFT_3(Vec, fnma, Vec, Vec, Vec)  // c - a * b, rounded once
TG_LIFT_1(Vec, sqrt, Vec)
TG_LIFT_1(Vec, neg, Vec)
TG_LIFT_1(Vec, abs, Vec)
TG_LIFT_2(Vec, copySign, Vec, Vec)
TG_LIFT_2(Vec, max, Vec, Vec)
TG_LIFT_2(Vec, min, Vec, Vec)
TG_LIFT_2(Vec, maxNan, Vec, Vec)
TG_LIFT_2(Vec, minNan, Vec, Vec)
TG_LIFT_1(Vec, roundEven, Vec)
TG_LIFT_1(Vec, floor, Vec)
TG_LIFT_1(Vec, ceil, Vec)
TG_LIFT_1(Vec, trunc, Vec)
TG_LIFT_2(VMask, lt, Vec, Vec)
TG_LIFT_2(VMask, le, Vec, Vec)
TG_LIFT_2(VMask, gt, Vec, Vec)
TG_LIFT_2(VMask, ge, Vec, Vec)
TG_LIFT_2(VMask, eq, Vec, Vec)
TG_LIFT_2(VMask, ne, Vec, Vec)
TG_LIFT_1(VMask, isNan, Vec)
TG_LIFT_2(VMask, eitherNan, Vec, Vec)
TG_LIFT_2(VMask, maskAnd, VMask, VMask)
TG_LIFT_2(VMask, maskOr, VMask, VMask)
TG_LIFT_1(VMask, maskNot, VMask)
TG_LIFT_3(Vec, select, VMask, Vec, Vec)  // a where the mask is true, b elsewhere
TG_LIFT_1(IVec, toBits, Vec)
TG_LIFT_1(Vec, fromBits, IVec)
TG_LIFT_2(IVec, iadd, IVec, IVec)
TG_LIFT_2(IVec, isub, IVec, IVec)
TG_LIFT_2(IVec, iand, IVec, IVec)
TG_LIFT_2(IVec, ior, IVec, IVec)
TG_LIFT_2(IVec, ixor, IVec, IVec)
TG_LIFT_SHIFT(ishl)  // by k bits, 0 < k < width, zeros come in
TG_LIFT_SHIFT(ishr)

#undef TG_LIFT_1
#undef TG_LIFT_2
#undef TG_LIFT_3
#undef TG_LIFT_SHIFT

// Whether any lane is true.
template <class T>
TG_INLINE bool anyLane(VMask<T> mask) {
  Mask<T> any = mask.r[0];
  for (int i = 1; i < kRegs<T>; ++i) any = maskOr(any, mask.r[i]);
  return anyTrue(any);
}

// Infinity in every lane.
template <class T>
TG_INLINE Vec<T> vinfinity() {
  return fromBits(visplat<T>(Format<T>::infinity));
}

// Folds halves of the registers first, which are the first halvings of the lanes.
template <class Fold, class T, int count>
TG_INLINE T foldRegs(const Reg<T> (&r)[count]) {
  if constexpr (count == 1) {
    return foldLanes<Fold, Reg<T>::lanes / 2>(r[0]);
  } else {
    Reg<T> half[count / 2];
    for (int i = 0; i < count / 2; ++i) half[i] = Fold::apply(r[i], r[i + count / 2]);
    return foldRegs<Fold>(half);
  }
}

// Sum of all lanes, as a tree that is the same on every level: lane i + lane i + kLanes/2, then
// lanes i + i + kLanes/4 of that, ...
template <class T>
TG_INLINE T reduceAdd(Vec<T> a) {
  return foldRegs<AddFold>(a.r);
}

// Product of all lanes, as the same tree.
template <class T>
TG_INLINE T reduceMul(Vec<T> a) {
  return foldRegs<MulFold>(a.r);
}

// Largest and smallest lane; NaN when a lane is NaN.
template <class T>
TG_INLINE T reduceMax(Vec<T> a) {
  return foldRegs<MaxFold>(a.r);
}

template <class T>
TG_INLINE T reduceMin(Vec<T> a) {
  return foldRegs<MinFold>(a.r);
}

TG_TARGET_END
