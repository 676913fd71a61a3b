// What the native test programs share: CHECK counts and reports failures, finish() gives main's
// result.
#pragma once
#include <stdio.h>

#include <atomic>

namespace tilegrad_test {

inline std::atomic<int> failures{0};

inline void report(bool ok, const char* what, const char* file, int line) {
  if (ok) return;
  // A broken invariant fails millions of times; the first ones tell the story.
  if (failures.fetch_add(1) < 20) fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
}

inline int finish(const char* program) {
  const int count = failures.load();
  printf("%s: %s", program, count == 0 ? "ok\n" : "FAILED\n");
  if (count != 0) printf("%d failures\n", count);
  return count == 0 ? 0 : 1;
}

}  // namespace tilegrad_test

#define CHECK(condition) tilegrad_test::report((condition), #condition, __FILE__, __LINE__)
