#include "cpu.h"

#include <stdint.h>
#include <string.h>

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(_M_ARM64)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#endif

#if defined(__x86_64__) || defined(_M_X64)
#define TG_X86_64 1
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

namespace tilegrad {
namespace {

constexpr const char* kLevelNames[kLevelCount] = {"scalar", "avx2", "avx512", "neon"};

#if defined(TG_X86_64)

struct CpuidResult {
  uint32_t eax, ebx, ecx, edx;
};

// All zero when the CPU has no such leaf.
CpuidResult cpuid(uint32_t leaf, uint32_t subleaf) {
  CpuidResult result = {0, 0, 0, 0};
#if defined(_MSC_VER)
  int registers[4];
  __cpuid(registers, 0);
  if (static_cast<uint32_t>(registers[0]) < leaf) return result;
  __cpuidex(registers, static_cast<int>(leaf), static_cast<int>(subleaf));
  memcpy(&result, registers, sizeof(result));
#else
  __get_cpuid_count(leaf, subleaf, &result.eax, &result.ebx, &result.ecx, &result.edx);
#endif
  return result;
}

// XCR0, the register states that the operating system saves. Only callable when CPUID says OSXSAVE.
uint64_t savedStates() {
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  // The instruction rather than _xgetbv, which would need this file compiled with -mxsave.
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
#endif
}

constexpr uint32_t bit(int index) { return uint32_t{1} << index; }

// Bits of CPUID and XCR0, from the Intel SDM, volume 2A "CPUID" and volume 1, 13.1.
constexpr uint32_t kLeaf1Ecx = bit(12) | bit(27) | bit(28) | bit(29);  // FMA OSXSAVE AVX F16C
constexpr uint32_t kLeaf7EbxAvx2 = bit(5);
constexpr uint32_t kLeaf7EbxAvx512 =
    bit(16) | bit(17) | bit(28) | bit(30) | bit(31);  // F DQ CD BW VL
constexpr uint32_t kLeaf7EcxVnni = bit(11);
constexpr uint32_t kLeaf7Sub1EaxBf16 = bit(5);  // AVX512_BF16, in subleaf 1
constexpr uint64_t kYmmStates = 0x06;           // SSE, AVX
constexpr uint64_t kZmmStates = 0xE6;           // and opmask, upper zmm0-15, zmm16-31

Level detect() {
  if ((cpuid(1, 0).ecx & kLeaf1Ecx) != kLeaf1Ecx) return Level::scalar;
  const uint64_t states = savedStates();
  const uint32_t features = cpuid(7, 0).ebx;
  if ((states & kYmmStates) != kYmmStates || !(features & kLeaf7EbxAvx2)) return Level::scalar;
  // macOS sets the zmm bits of XCR0 only once a process has used them, so Intel Macs get avx2 here.
  if ((states & kZmmStates) != kZmmStates) return Level::avx2;
  return (features & kLeaf7EbxAvx512) == kLeaf7EbxAvx512 ? Level::avx512 : Level::avx2;
}

// A CPU without subleaf 1 answers with zeros, or says in subleaf 0 that there is none.
bool detectBf16() { return cpuid(7, 0).eax >= 1 && (cpuid(7, 1).eax & kLeaf7Sub1EaxBf16); }
bool detectDotProduct() {
  return detect() == Level::avx512 && (cpuid(7, 0).ecx & kLeaf7EcxVnni) != 0;
}

#elif defined(__aarch64__) || defined(_M_ARM64)

// Advanced SIMD with double precision is part of every AArch64 system that Node.js runs on.
Level detect() { return Level::neon; }
bool detectBf16() { return false; }

bool detectDotProduct() {
#if defined(__APPLE__)
  return true;  // since the first Mac of this architecture
#elif defined(_M_ARM64)
  constexpr DWORD kDotProduct = 43;  // PF_ARM_V82_DP_INSTRUCTIONS_AVAILABLE of winnt.h
  return IsProcessorFeaturePresent(kDotProduct) != 0;
#elif defined(__linux__)
  constexpr unsigned long kAsimdDp = 1ul << 20;  // HWCAP_ASIMDDP of asm/hwcap.h
  return (getauxval(AT_HWCAP) & kAsimdDp) != 0;
#else
  return false;
#endif
}

#else

Level detect() { return Level::scalar; }
bool detectBf16() { return false; }
bool detectDotProduct() { return false; }

#endif

}  // namespace

const char* levelName(Level level) { return kLevelNames[static_cast<int>(level)]; }

bool parseLevel(const char* name, Level* level) {
  for (int i = 0; i < kLevelCount; ++i) {
    if (strcmp(name, kLevelNames[i]) == 0) {
      *level = static_cast<Level>(i);
      return true;
    }
  }
  return false;
}

Level bestLevel() {
  // Asked once: in a virtual machine every CPUID is a trip to the hypervisor.
  static const Level best = detect();
  return best;
}

bool hasAvx512Bf16() {
  static const bool has = bestLevel() == Level::avx512 && detectBf16();
  return has;
}

bool hasDotProduct() {
  static const bool has = detectDotProduct();
  return has;
}

bool levelSupported(Level level) {
  if (level == Level::scalar) return true;
  const Level best = bestLevel();
  if (level == Level::neon || best == Level::neon) return level == best;
  return level <= best;
}

}  // namespace tilegrad
