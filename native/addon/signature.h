// Signatures: how a row of the operation table says what its arguments are and how far they reach.
//
//   "in a T[m*aRow k*aCol] in b T[k*bRow n] opt bias T[n] out c T[m*cRow n];
//    m n k size aRow aCol bRow cRow stride activation int"
//
// Operands come first: a role (in, out, inout, or opt and optout: an input and an output that may
// be null), a name, and type[dims]. Types that all operands of the row that are written with a
// capital letter share: T (float32 or float64), I (int32, int64, int8 or uint8), N (a T or an I), E
// (any). Types of an operand's own: A (any), F (float32 or bfloat16), f32, f64, i32, i64, i8, u8,
// u32. "Any" is without uint32, which only random states have. Dims are the extents of the operand,
// size*stride each; a dim without a stride is contiguous with the dims that follow it; a size may
// be a literal number; [] is one element; [@] is the row's N-dimensional geometry, with strides of
// the operand's own. After the semicolon come the numbers, a kind after each group of names: size
// (a whole number
// >= 0), stride (a whole number of either sign), int (a whole number), real (any double).
//
// From this text the trampoline knows every element a command may touch and compares it with the
// arrays' lengths. So that no call can loop for ever over memory it doesn't have, every size above
// 1 must move at least one operand (a non-zero stride).
#pragma once
#include <string>
#include <vector>

#include "../ops/command.h"

namespace tilegrad {

enum class Role : uint8_t { in, out, inout };

enum class NumberKind : uint8_t { size, stride, integer, real };

// Types as a set of bits.
constexpr uint32_t typeBit(DType type) { return 1u << static_cast<int>(type); }

struct SignatureDim {
  int size;         // index of a number, or -1 for a literal
  int64_t literal;  // the literal size
  int stride;       // index of a number, or -1 for a contiguous dim
};

struct SignatureOperand {
  std::string name;
  Role role;
  bool optional = false;  // null may stand for it
  uint32_t types;         // which its elements may have
  bool shared;            // whether all operands of the row with this mark have the same one
  bool geometry;
  std::vector<SignatureDim> dims;
};

struct SignatureNumber {
  std::string name;
  NumberKind kind;
};

struct Signature {
  std::vector<SignatureOperand> operands;
  std::vector<SignatureNumber> numbers;
  bool geometry = false;
};

// Parses a row's text. Returns an empty string, or what is wrong with it (a mistake in the table).
std::string parseSignature(const char* text, Signature* signature);

}  // namespace tilegrad
