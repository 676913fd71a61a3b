// Functions that are polynomials in 16 pieces, with the coefficients of each lane's piece looked
// up: faster than one long polynomial or an exponential where a CPU permutes 16 lanes by one
// instruction.
#pragma once
#include "math_constants.h"
#include "reg.h"

TG_TARGET_BEGIN

// Where a number lies: in piece `index`, r away from its middle.
struct InPiece {
  RegF r;
  Lookup index;
};

// a = |x|; from `end` on everything is where the end is. NaN stays in r.
TG_INLINE InPiece inPiece(const Pieces& pieces, RegF a) {
  const RegF magic = splat(Format<float>::roundingMagic);
  const RegF near = min(splat(pieces.end), a);
  const RegF sum = fma(near, splat(pieces.inverseStep), magic);
  return {fnma(sub(sum, magic), splat(pieces.step), near), lookupOf(toBits(sum))};
}

// The polynomial of the piece without its constant term, divided by r.
template <int n>
TG_INLINE RegF slopeInPiece(const float (&table)[n][16], InPiece at) {
  RegF y = lookup(table[n - 1], at.index);
  for (int k = n - 2; k >= 1; --k) y = fma(y, at.r, lookup(table[k], at.index));
  return y;
}

// A function of a = |x| by its pieces.
template <int n>
TG_INLINE RegF byPieces(const Pieces& pieces, const float (&table)[n][16], RegF a) {
  const InPiece at = inPiece(pieces, a);
  return fma(slopeInPiece(table, at), at.r, lookup(table[0], at.index));
}

TG_TARGET_END
