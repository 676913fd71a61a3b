// Whether products of bfloat16 use the CPU's instruction for them.
#pragma once

namespace tilegrad {

// True at the level avx512 on a CPU with AVX512_BF16, unless it was turned off. Everywhere else
// the operands are widened to float32 and multiplied by the float32 tiles.
bool bf16Instruction();

// Turns the instruction off, or on again where there is one, for the whole process (tests).
void allowBf16Instruction(bool allow);

}  // namespace tilegrad
