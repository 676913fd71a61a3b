// Keys of floating-point numbers: unsigned integers that order as they do.
#pragma once
#include <stdint.h>
#include <string.h>

namespace tilegrad {

// The distance from zero, above or below the key of both zeros: the larger number has the larger
// key (as in Herf, "Radix tricks", 2001, but for the zeros); every NaN is the largest of all, as in
// PyTorch. Without branches, so that compilers make vectors of loops over it. static: target files
// are built with their own flags and must not share inline functions.
template <class Bits, class T>
static inline Bits floatKey(T x) {
  constexpr int kTop = static_cast<int>(sizeof(Bits)) * 8 - 1;
  constexpr Bits kSign = Bits{1} << kTop;
  constexpr Bits kInfinity =
      sizeof(Bits) == 4 ? Bits{0x7f800000u} : static_cast<Bits>(0x7ffull << 52);
  Bits bits;
  memcpy(&bits, &x, sizeof(bits));
  const Bits magnitude = bits & ~kSign;
  const Bits below = Bits{0} - (bits >> kTop);
  const Bits nan = Bits{0} - ((kInfinity - magnitude) >> kTop);
  return ((magnitude ^ below) - below + kSign) | nan;
}

}  // namespace tilegrad
