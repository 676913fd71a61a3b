#!/bin/sh
# Builds the tests of native/simd without a build system: each level's file with that level's flags.
#   test/native/build-simd-tests.sh OUTPUT_DIRECTORY [COMPILER]
# With a compiler for arm64 (aarch64-linux-gnu-g++) it builds the neon level instead of x86's.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
cxx=${2:-c++}
flags="-std=c++17 -O3 -Wall -Wextra -ffp-contract=off -fno-math-errno -I$here/../../native"
mkdir -p "$out"

level() {  # name, macro, flags
  # shellcheck disable=SC2086
  $cxx $flags -fno-exceptions -fno-rtti "-DTG_TARGET_$2" $3 -c "$here/simd_level.cpp" \
    -o "$out/simd_level_$1.o"
}

level scalar SCALAR ''
case $($cxx -dumpmachine) in
  aarch64* | arm64*)
    level neon NEON ''
    levels="$out/simd_level_scalar.o $out/simd_level_neon.o"
    libraries=
    ;;
  *)
    level avx2 AVX2 '-mavx2 -mfma -mf16c'
    level avx512 AVX512 '-mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma'
    levels="$out/simd_level_scalar.o $out/simd_level_avx2.o $out/simd_level_avx512.o"
    libraries=-lquadmath
    ;;
esac
for test in math_test vec_test; do
  # shellcheck disable=SC2086
  $cxx $flags "$here/$test.cpp" $levels -o "$out/$test" $libraries
done
