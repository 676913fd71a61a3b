// Signatures: how a row of the operation table says what its arguments are and how far they reach.
//
//   "in a T[m*aRow k*aCol] in b T[k*bRow n] opt bias T[n] out c T[m*cRow n];
//    m n k size aRow aCol bRow cRow stride activation int"
//
// Operands come first: a role (in, out, inout, or opt and optout: an input and an output that may
// be null), a name, and type[dims]. Types: T (float32 or float64, the same for every T of the row),
// A (any type, each operand its own), F (float32 or bfloat16, each operand its own), f32, f64, i32,
// i8, u8, u32. Dims are the extents of the operand, size*stride each; a dim without a stride is
// contiguous with the dims that follow it; a size may be a literal number; [] is one element; [@]
// is the row's N-dimensional geometry, with strides of the operand's own.
// After the semicolon come the numbers, a kind after each group of names: size (a whole number
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

// What an operand's elements may be.
enum class ElementKind : uint8_t { floating, any, product, fixed };  // T, A, F, the others

struct SignatureDim {
  int size;         // index of a number, or -1 for a literal
  int64_t literal;  // the literal size
  int stride;       // index of a number, or -1 for a contiguous dim
};

struct SignatureOperand {
  std::string name;
  Role role;
  bool optional = false;  // null may stand for it
  ElementKind elements;
  DType type;  // when elements is fixed
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
