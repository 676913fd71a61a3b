// Signatures: how a row of the operation table says what its arguments are and how far they reach.
//
//   "in a T[batch*aBatch m*aRow k*aCol] in b T[...] opt bias T[n] out c T[m*cRow n]; batch m n k size
//    aBatch aRow aCol stride activation int"
//
// Operands come first: a role (in, out, inout, or opt: an input that may be null), a name, and
// type[dims]. Types: T (float32 or float64, the same for every T of the row), A (any type, each
// operand its own), f32, f64, i32, u8, u32. Dims are the extents of the operand: size*stride pairs;
// a dim without a stride is contiguous with the dims that follow it; [] is one element; [@] is the
// row's N-dimensional geometry, with strides of the operand's own.
// After the semicolon come the numbers, a kind after each group of names: size (a whole number
// >= 0), stride (a whole number of either sign), int (a whole number), real (any double).
//
// From this text the trampoline knows every element a command may touch and compares it with the
// arrays' lengths. So that no call can loop for ever over memory it doesn't have, every size above 1
// must move at least one operand (a non-zero stride).
