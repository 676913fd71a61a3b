// The kernels that move elements, at every level: right against plain loops at all sizes around a
// square of registers, and nothing read or written outside of what they move, which lies between
// pages that nobody may touch.
#include "kernel_levels.h"

#if !defined(_WIN32)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace tilegrad {
namespace test {
namespace {

// So many bytes right before a page that can't be read or written, or right behind one. Sanitizers
// don't see what masked instructions touch; the CPU does.
class Fenced {
 public:
#if defined(_WIN32)
  Fenced(size_t bytes, bool) : memory_(bytes + 1), data_(memory_.data()) {}
#else
  Fenced(size_t bytes, bool atEnd) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t inner = (bytes + page) / page * page;
    size_ = inner + 2 * page;
    whole_ = static_cast<unsigned char*>(
        mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (whole_ == MAP_FAILED || mprotect(whole_ + page, inner, PROT_READ | PROT_WRITE) != 0) {
      printf("no memory between fences\n");
      abort();
    }
    data_ = whole_ + page + (atEnd ? inner - bytes : 0);
  }
  ~Fenced() { munmap(whole_, size_); }
#endif
  Fenced(const Fenced&) = delete;
  Fenced& operator=(const Fenced&) = delete;

  template <class Bits>
  Bits* as() const {
    return reinterpret_cast<Bits*>(data_);
  }

 private:
#if defined(_WIN32)
  std::vector<unsigned char> memory_;
#else
  unsigned char* whole_ = nullptr;
  size_t size_ = 0;
#endif
  unsigned char* data_ = nullptr;
};

// y, rows of `cols` elements yRow apart, is the transpose of x, columns of `rows` elements xCol
// apart; the memory of each ends with its last element, or begins with its first.
template <class Bits>
void testTranspose(const MoveKernels<Bits>& kernels, const std::string& level, int64_t rows,
                   int64_t cols, int64_t gap, bool atEnd) {
  const int64_t xCol = rows + gap, yRow = cols + gap;
  const auto bytes = [](int64_t n) { return static_cast<size_t>(n) * sizeof(Bits); };
  const int64_t xCount = (cols - 1) * xCol + rows, yCount = (rows - 1) * yRow + cols;
  const Fenced from(bytes(xCount), atEnd), to(bytes(yCount), atEnd);
  Bits* const x = from.as<Bits>();
  Bits* const y = to.as<Bits>();
  const Bits guard = static_cast<Bits>(0xa5a5a5a5a5a5a5a5);
  Values values(static_cast<uint64_t>(rows * 100 + cols));
  for (int64_t i = 0; i < xCount; ++i) x[i] = static_cast<Bits>(values.bits());
  for (int64_t i = 0; i < yCount; ++i) y[i] = guard;
  kernels.transpose(rows, cols, x, xCol, y, yRow);
  const std::string name = std::to_string(rows) + " x " + std::to_string(cols) + " of " +
                           std::to_string(sizeof(Bits)) + " bytes, level " + level;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < yRow && i * yRow + j < yCount; ++j) {
      const Bits wanted = j < cols ? x[i + j * xCol] : guard;
      if (y[i * yRow + j] != wanted) return fail("transposed " + name);
    }
  }
}

template <class Bits>
void testTransposes(const MoveKernels<Bits>& kernels, const std::string& level) {
  // One and two squares of the level's largest registers, and every rest.
  for (int64_t rows = 1; rows <= 34; ++rows) {
    for (int64_t cols = 1; cols <= 34; ++cols) {
      for (const bool atEnd : {false, true}) {
        testTranspose(kernels, level, rows, cols, 0, atEnd);
        testTranspose(kernels, level, rows, cols, 3, atEnd);
      }
    }
  }
}

template <class Bits>
void testLines(const MoveKernels<Bits>& kernels, const std::string& level) {
  for (int64_t n = 1; n <= 100; ++n) {
    const std::string name =
        std::to_string(n) + " of " + std::to_string(sizeof(Bits)) + " bytes, level " + level;
    const size_t bytes = static_cast<size_t>(n) * sizeof(Bits);
    for (const bool atEnd : {false, true}) {
      const Fenced from(2 * bytes - sizeof(Bits), atEnd), to(bytes, atEnd), both(2 * bytes, atEnd);
      Bits* const x = from.as<Bits>();
      Bits* const y = to.as<Bits>();
      Bits* const turns = both.as<Bits>();
      Values values(static_cast<uint64_t>(n));
      for (int64_t i = 0; i < 2 * n - 1; ++i) x[i] = static_cast<Bits>(values.bits());
      kernels.everySecond(n, x, y);
      bool second = true, turned = true, mixed = true;
      for (int64_t i = 0; i < n; ++i) second = second && y[i] == x[2 * i];
      kernels.interleave(n, y, 1, y, 0, turns);
      for (int64_t i = 0; i < n; ++i) {
        mixed = mixed && turns[2 * i] == y[i] && turns[2 * i + 1] == y[0];
      }
      const Fenced copy(bytes, atEnd);
      Bits* const back = copy.as<Bits>();
      kernels.reverse(n, y + (n - 1), back);
      for (int64_t i = 0; i < n; ++i) turned = turned && back[i] == y[n - 1 - i];
      expect(second, "every second " + name);
      expect(mixed, "in turns " + name);
      expect(turned, "reversed " + name);
    }
  }
}

void testBytes(const MoveTables& tables, const std::string& level) {
  float pattern[16];
  for (int i = 0; i < 16; ++i) pattern[i] = static_cast<float>(i + 1);
  for (int64_t bytes = 1; bytes <= 600; ++bytes) {
    for (const bool atEnd : {false, true}) {
      const Fenced to(static_cast<size_t>(bytes), atEnd);
      unsigned char* const y = to.as<unsigned char>();
      tables.repeat(bytes, pattern, y);
      const auto* const p = reinterpret_cast<const unsigned char*>(pattern);
      bool good = true;
      for (int64_t i = 0; i < bytes; ++i) good = good && y[i] == p[i % 64];
      expect(good, "repeated " + std::to_string(bytes) + " bytes, level " + level);
      if (bytes > 200) continue;
      constexpr int64_t kRows = 3;
      const int64_t xRow = bytes + 5, yRow = bytes + 2;
      const Fenced rows(static_cast<size_t>((kRows - 1) * xRow + bytes), atEnd);
      const Fenced copies(static_cast<size_t>((kRows - 1) * yRow + bytes), atEnd);
      unsigned char* const x = rows.as<unsigned char>();
      unsigned char* const z = copies.as<unsigned char>();
      for (int64_t i = 0; i < (kRows - 1) * xRow + bytes; ++i) x[i] = static_cast<unsigned char>(i);
      memset(z, 0xa5, static_cast<size_t>((kRows - 1) * yRow + bytes));
      tables.copyRows(kRows, bytes, x, xRow, z, yRow);
      for (int64_t i = 0; i < (kRows - 1) * yRow + bytes; ++i) {
        const int64_t row = i / yRow, at = i % yRow;
        good = good && z[i] == (at < bytes ? x[row * xRow + at] : 0xa5);
      }
      expect(good, "rows of " + std::to_string(bytes) + " bytes, level " + level);
    }
  }
}

void testLevel(Level level) {
  setLevel(level);
  const MoveTables& tables = kernels().moves;
  const std::string name = levelName(level);
  testTransposes(tables.size1, name);
  testTransposes(tables.size2, name);
  testTransposes(tables.size4, name);
  testTransposes(tables.size8, name);
  testLines(tables.size1, name);
  testLines(tables.size2, name);
  testLines(tables.size4, name);
  testLines(tables.size8, name);
  testBytes(tables, name);
}

}  // namespace
}  // namespace test
}  // namespace tilegrad

int main() {
  using namespace tilegrad::test;
  for (const tilegrad::Level level : availableLevels()) testLevel(level);
  return finish("move");
}
