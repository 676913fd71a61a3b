// What this CPU can do. Levels are ordered within one architecture: a level's kernels run on every
// CPU whose best level is that one or a higher one.
#pragma once

namespace tilegrad {

enum class Level : unsigned char { scalar = 0, avx2 = 1, avx512 = 2, neon = 3 };

constexpr int kLevelCount = 4;

// The name users write in TILEGRAD_SIMD and read from simdLevel(): "scalar", "avx2", "avx512",
// "neon".
const char* levelName(Level level);

// True and *level set when `name` is a level's name.
bool parseLevel(const char* name, Level* level);

// True when this CPU and its operating system can run the level's kernels: CPUID feature bits plus
// XGETBV for the register state that the system saves (Intel SDM vol. 1, 13.3 and 14.3).
bool levelSupported(Level level);

// True when this CPU has the instruction for dot products of bytes that goes with its best level:
// AVX-512 VNNI, or the dot product of Armv8.2.
bool hasDotProduct();

// The highest supported level.
Level bestLevel();

// Whether the CPU has vdpbf16ps (AVX512_BF16), which not every CPU of the level avx512 has.
bool hasAvx512Bf16();

}  // namespace tilegrad
