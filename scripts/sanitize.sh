#!/usr/bin/env bash
# The native code under sanitizers: scripts/sanitize.sh [address|products|thread]...   (address and thread
# by default)
#   address   addresses and undefined behaviour: the native tests, and on an instrumented addon the fuzz
#             test of every operation and the tests of products
#   products  the same for the tests of products that take longest, which CI has no time for
#   thread    data races: the tests of the thread pool, of learning and of shared products
# The first finding ends the program it is found in, and then this script with exit code 1.
set -euo pipefail
cd "$(dirname "$0")/.."

build() { # directory, sanitizers, targets...
  local directory=$1 sanitizers=$2
  shift 2
  mkdir -p "$directory"
  cmake -B "$directory" -DTILEGRAD_TESTS=ON -DTILEGRAD_SANITIZE="$sanitizers" >"$directory/log"
  cmake --build "$directory" --parallel "$(nproc)" --target "$@" >>"$directory/log" || {
    cat "$directory/log"
    return 1
  }
}

# On one core they take 33, 22, 89, 200, 130, 12 and 13 s, all others of products and of test/native 80 s
# together.
long=(test/native/gemm-{ahead,dot,limits,shared,short}.test.ts
  test/ops/product/{linear,random-products}.test.ts)

suite() { # what to run on the instrumented addon
  # node itself isn't instrumented, so the runtime has to be loaded ahead of it; and what node
  # leaves to the system when it exits isn't ours to report.
  LD_PRELOAD="$(c++ -print-file-name=libasan.so) $(c++ -print-file-name=libubsan.so)" \
    ASAN_OPTIONS=detect_leaks=0 \
    TILEGRAD_ADDON="$PWD/build-address/tilegrad.node" TILEGRAD_FUZZ_CALLS="${TILEGRAD_FUZZ_CALLS:-1000}" \
    node node_modules/vitest/vitest.mjs run --testTimeout=300000 "$@"
}

check_address() {
  build build-address address,undefined all
  ctest --test-dir build-address --output-on-failure --parallel "$(nproc)"
  suite test/native/ test/ops/product/ "${long[@]/#/--exclude=}"
}

check_products() {
  build build-address address,undefined all
  suite "${long[@]}"
}

check_thread() {
  build build-thread thread thread_pool_test learning_test gemm_shared_test
  ./build-thread/thread_pool_test
  ./build-thread/learning_test
  ./build-thread/gemm_shared_test
}

for what in "${@:-address thread}"; do
  for sanitizer in $what; do
    echo "sanitizer: $sanitizer"
    "check_$sanitizer"
  done
done
