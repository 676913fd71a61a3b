// Few rows of A times a B that is contiguous along k, the inner dimension (NT): square blocks of B
// are transposed in registers, so that every lane is an output's chain, and all rows of A meet a
// block while it is there. Nothing is packed.
#pragma once
#include "../simd/transpose.h"
#include "../simd/vec.h"
#include "gemm_dot_store.h"
#include "table.h"

TG_TARGET_BEGIN

// Rows of A that share a transposed block: with the block, a chain for each has to fit in
// registers.
#if defined(TG_TARGET_AVX512)
constexpr int kDotRows = 12;  // 16 + 12 of 32
#elif defined(TG_TARGET_AVX2)
constexpr int kDotRows = 6;  // 8 + 6 of 16, and one for the values of A
#elif defined(TG_TARGET_NEON)
constexpr int kDotRows = 12;  // 4 + 12 of 32
#else
constexpr int kDotRows = 2;
#endif
static_assert(kDotRows <= kMaxDotRows, "the table has no room for this many rows");

// Registers of columns whose chains run side by side. A chain is L dependent FMAs a block, so a few
// chains keep the two pipelines of latency 4 idle most of the time.
#if defined(TG_TARGET_AVX512)
template <int R>
constexpr int kDotBlocks = R <= 6 ? 2 : 1;
#else
template <int R>
constexpr int kDotBlocks = R <= 3 ? 2 : 1;  // more don't fit in the registers
#endif

// With up to three chains for each register the blocks take turns; with more, their steps do, since
// the next block would be too far behind in the code for the CPU to begin with it.
constexpr int kDotTurns = 3;

// Steps after the last whole block up to which they are read four at a time, and not as a block
// with empty lanes: 699 x 9 times four columns took 1.44 us, 1398 x 100 times two 7.3 and 1007 x 7
// times one 0.89; 0.76, 6.1 and 0.65 so.
constexpr int64_t kDotFewSteps = 12;

// R chains of one register of columns, a few steps.
template <class T, int R, int steps>
TG_INLINE void dotSteps(const Reg<T> (&block)[steps], const GemmDot<T>& d, const T* a,
                        Reg<T> (&acc)[R]) {
  TG_UNROLL for (int i = 0; i < steps; ++i, a += d.aCol) {
    const T* from = a;
    TG_UNROLL for (int r = 0; r < R; ++r, from += d.aRow) {
      acc[r] = fma(splat<T>(*from), block[i], acc[r]);
    }
  }
}

// `steps` steps, a multiple of L, of a register of at least L / 2 columns.
template <class T, int R>
TG_INLINE void dotWhole(const GemmDot<T>& d, const T* b, int64_t count, int64_t steps,
                        Reg<T> (&chains)[R]) {
  constexpr int L = Reg<T>::lanes;
  RowSteps rows = rowSteps<T>(d.bCol);
  Reg<T> acc[R];
  TG_UNROLL for (int r = 0; r < R; ++r) acc[r] = chains[r];
  const T *a = d.a, *last = b + (count - (L - L / 2)) * d.bCol;
  for (int64_t p = 0; p < steps; p += L, a += L * d.aCol) {
    rows = hidden(rows);
    Reg<T> block[L];
    loadTransposed(b + p, last + p, rows, block);
    dotSteps<T, R>(block, d, hidden(a), acc);
  }
  TG_UNROLL for (int r = 0; r < R; ++r) chains[r] = acc[r];
}

// Whether B lies beyond the second-level cache and its rows of columns not on cache lines, where
// every load of a register takes two of them: halves of blocks cross fewer.
template <class T, int R>
TG_INLINE bool dotCrosses(const GemmDot<T>& d) {
  constexpr int64_t kBytes = static_cast<int64_t>(sizeof(T)), kLevel2Bytes = 7 << 17;
  return R > 1 && R <= kDotTurns && Reg<T>::lanes > 8 && d.bCol * kBytes % 64 != 0 &&
         d.n * d.bCol * kBytes > kLevel2Bytes;
}

// Of two full registers, the second of which begins at b + second.
template <class T, int R>
TG_INLINE void dotWhole(const GemmDot<T>& d, const T* b, int64_t second, int64_t steps,
                        Reg<T> (&chains)[2][R]) {
  constexpr int L = Reg<T>::lanes;
  RowSteps rows = rowSteps<T>(d.bCol);
  Reg<T> acc[2][R];
  TG_UNROLL for (int c = 0; c < 2; ++c) {
    TG_UNROLL for (int r = 0; r < R; ++r) acc[c][r] = chains[c][r];
  }
  const T* a = d.a;
#if defined(TG_TARGET_AVX512)
  // 1200 x 300 times two columns took 23.5 us in whole blocks, 20.3 so, 1000 x 350 times three 25.1
  // and 23.6, 1000 x 279 times one no less.
  if constexpr (R > 1 && R <= kDotTurns && L > 8) {
    if (dotCrosses<T, R>(d)) {
      for (int64_t p = 0; p < steps; p += 8, a += 8 * d.aCol) {
        TG_UNROLL for (int c = 0; c < 2; ++c) {
          rows = hidden(rows);
          Reg<T> half[8];
          loadEightColumns(b + p + c * second, rows, half);
          dotSteps<T, R>(half, d, hidden(a), acc[c]);
        }
      }
      steps = 0;
    }
  }
#endif
  if constexpr (R <= kDotTurns) {
    for (int64_t p = 0; p < steps; p += L, a += L * d.aCol) {
      TG_UNROLL for (int c = 0; c < 2; ++c) {
        rows = hidden(rows);
        Reg<T> block[L];
        loadTransposed(b + p + c * second, rows, block);
        // Kept for the next block, the values of A would push chains out to memory: 512 x 240 times
        // one to three columns took 38, 44 and 54 cycles a block, 36, 43 and 46 so.
        dotSteps<T, R>(block, d, hidden(a), acc[c]);
      }
    }
  }
#if defined(TG_TARGET_AVX512)
  // Two blocks of all steps and the chains don't fit in the registers: 192 x 656 times four to six
  // columns took 70, 73 and 74 cycles a block one after the other, 53, 55 and 61 so.
  if constexpr (R > kDotTurns) {
    for (int64_t p = 0; p < steps; p += 8) {
      rows = hidden(rows);
      Reg<T> block[2][8];
      TG_UNROLL for (int c = 0; c < 2; ++c) loadEightColumns(b + p + c * second, rows, block[c]);
      TG_UNROLL for (int i = 0; i < 8; ++i, a += d.aCol) {
        const T* from = a;
        TG_UNROLL for (int r = 0; r < R; ++r, from += d.aRow) {
          const Reg<T> x = splat<T>(*from);
          TG_UNROLL for (int c = 0; c < 2; ++c) acc[c][r] = fma(x, block[c][i], acc[c][r]);
        }
      }
    }
  }
#endif
  TG_UNROLL for (int c = 0; c < 2; ++c) {
    TG_UNROLL for (int r = 0; r < R; ++r) chains[c][r] = acc[c][r];
  }
}

// The next L steps of a register of columns, or fewer if there are no more, transposed.
template <class T>
TG_INLINE void dotLoadSteps(const T* b, int64_t bCol, int64_t steps,
                            Reg<T> (&block)[Reg<T>::lanes]) {
  TG_UNROLL for (int i = 0; i < Reg<T>::lanes; ++i, b += bCol) block[i] = loadFirst(b, steps);
  transpose(block);
}

// The same of `count` columns.
template <class T>
TG_NOINLINE void dotLoadEdge(const T* b, int64_t bCol, int64_t steps, int64_t count,
                             Reg<T> (&block)[Reg<T>::lanes]) {
  if (count == Reg<T>::lanes) return dotLoadSteps(b, bCol, steps, block);
  for (int i = 0; i < Reg<T>::lanes; ++i) {
    block[i] = loadFirst(b + dotColumnOf<T>(i, count) * bCol, steps);
  }
  transpose(block);
}

// The last steps of the chains of B registers of columns, of which `done` are done, and their
// values to C. Registers have `count` columns from `from` on: if there are two, all they hold.
template <class T, int R, int B>
TG_NOINLINE void dotFinish(const GemmDot<T>& d, const int64_t (&from)[B], int64_t count,
                           int64_t done, Reg<T> (&chains)[B][R]) {
  constexpr int L = Reg<T>::lanes;
  if (done < d.k) {
    Reg<T> block[B][L], acc[B][R];
    TG_UNROLL for (int c = 0; c < B; ++c) {
      TG_UNROLL for (int r = 0; r < R; ++r) acc[c][r] = chains[c][r];
    }
    const T* a = d.a + done * d.aCol;
    int64_t p = done;
#if defined(TG_TARGET_AVX512)
    // Four steps at a time, the last of which may be read twice. Of fewer than four, the ones
    // before are the end of the column before, which the first columns don't have.
    if constexpr (sizeof(T) == 4) {
      const bool within = d.k >= 4 || from[0] * d.bCol >= 4;
      if (count == L && within && d.k - done <= kDotFewSteps) {
        while (p < d.k) {
          const int64_t at = p <= d.k - 4 ? p : d.k - 4;
          Reg<T> few[B][4];
          TG_UNROLL for (int c = 0; c < B; ++c) {
            loadFourColumns(d.b + at + from[c] * d.bCol, d.bCol, few[c]);
          }
          TG_UNROLL for (int i = 0; i < 4; ++i) {
            if (at + i < p) continue;
            TG_UNROLL for (int r = 0; r < R; ++r) {
              const Reg<T> x = splat<T>(a[r * d.aRow]);
              TG_UNROLL for (int c = 0; c < B; ++c) acc[c][r] = fma(x, few[c][i], acc[c][r]);
            }
            a += d.aCol;
          }
          p = at + 4;
        }
      }
    }
#endif
    for (int64_t i = L; p < d.k; ++p, ++i, a += d.aCol) {
      if (i == L) {
        i = 0;
        TG_UNROLL for (int c = 0; c < B; ++c) {
          const T* const b = d.b + p + from[c] * d.bCol;
          // Most of few chains are here, and a call takes as long as some of their steps.
          if (B > 1 && R <= kDotTurns) {
            dotLoadSteps(b, d.bCol, d.k - p, block[c]);
          } else {
            dotLoadEdge(b, d.bCol, d.k - p, count, block[c]);
          }
        }
      }
      TG_UNROLL for (int r = 0; r < R; ++r) {
        const Reg<T> x = splat<T>(a[r * d.aRow]);
        TG_UNROLL for (int c = 0; c < B; ++c) acc[c][r] = fma(x, block[c][i], acc[c][r]);
      }
    }
    TG_UNROLL for (int c = 0; c < B; ++c) {
      TG_UNROLL for (int r = 0; r < R; ++r) chains[c][r] = acc[c][r];
    }
  }
  TG_UNROLL for (int c = 0; c < B; ++c) {
    if (!d.turned) {
      dotStore(d, from[c], count, chains[c]);
      continue;
    }
#if defined(TG_TARGET_AVX512) || defined(TG_TARGET_AVX2)
    if constexpr (R * sizeof(T) <= 16) {
      dotStoreFew<T, R>(d, from[c], count, chains[c]);
      continue;
    }
#endif
#if defined(TG_TARGET_AVX512)
    if constexpr (sizeof(T) == 4 && R > 4 && R <= 8) {
      if (count == L && d.cRow == R) {
        dotStoreEight<R>(d, from[c], chains[c]);
        continue;
      }
    }
#endif
    dotStoreTurned(d, from[c], count, chains[c]);
  }
}

// Columns of C as a whole product has them: chains from zero to the last step, stored at once. The
// calls that do this for all others took 6 % of 784 x 128 times eight columns.
template <class T, int R, int B>
TG_INLINE void dotBegin(const GemmDot<T>& d, const int64_t (&from)[B], int64_t count,
                        Reg<T> (&chains)[B][R]) {
  TG_UNROLL for (int c = 0; c < B; ++c) {
    if (d.fresh && !d.bias) {
      TG_UNROLL for (int r = 0; r < R; ++r) chains[c][r] = splat<T>(0);
    } else {
      dotStart(d, from[c], count, chains[c]);
    }
  }
}
template <class T, int R, int B>
TG_INLINE void dotEnd(const GemmDot<T>& d, const int64_t (&from)[B], int64_t count, int64_t done,
                      Reg<T> (&chains)[B][R]) {
  if (done < d.k || d.turned || count < Reg<T>::lanes) {
    return dotFinish(d, from, count, done, chains);
  }
  TG_UNROLL for (int c = 0; c < B; ++c) {
    T* to = d.c + from[c];
    TG_UNROLL for (int r = 0; r < R; ++r, to += d.cRow) store(to, chains[c][r]);
  }
}

// Columns [j, j + count) of C, at most a register of them.
template <class T, int R>
TG_NOINLINE void dotColumns(const GemmDot<T>& d, int64_t j, int64_t count) {
  constexpr int L = Reg<T>::lanes;
  const int64_t from[1] = {j};
  Reg<T> chains[1][R];
  dotBegin(d, from, count, chains);
  const int64_t whole = count < L / 2 ? 0 : d.k / L * L;
  if (whole > 0) dotWhole<T, R>(d, d.b + j * d.bCol, count, whole, chains[0]);
  dotEnd(d, from, count, whole, chains);
}

// Two registers of columns, from j and from next on.
template <class T, int R>
TG_NOINLINE void dotTwoColumns(const GemmDot<T>& d, int64_t j, int64_t next) {
  constexpr int L = Reg<T>::lanes;
  const int64_t from[2] = {j, next};
  Reg<T> chains[2][R];
  dotBegin(d, from, L, chains);
  const int64_t whole = d.k / L * L;
  dotWhole<T, R>(d, d.b + j * d.bCol, (next - j) * d.bCol, whole, chains);
  dotEnd(d, from, L, whole, chains);
}

// Whether lines of 32 columns of B fall out of the first-level cache before both their halves are
// read: in halves, 700 x 1024 times two columns took 138 cycles a block instead of 75.
template <class T, int R>
TG_INLINE bool dotCollides(const GemmDot<T>& d) {
  return R > kDotTurns && Reg<T>::lanes > 8 && d.bCol * static_cast<int64_t>(sizeof(T)) % 2048 == 0;
}

#if defined(TG_TARGET_AVX512)
// Columns of B a multiple of 4 KB apart share sets of the first-level cache, and those of two
// registers more than its 12 ways: lines that the CPU fetches ahead are gone before they are read,
// and read twice. So for one row groups of four columns keep a distance along k, in lanes of the
// same registers:
//
//   lane  0 1 2 3  4 5 6 7  ...     lane 4 i + q belongs to group q, which is q quarters of k
//   step  p p' p" p"' ...           behind: p, p' = p - k / 4, ...
//
// A group that begins with the next columns leaves the others where they are; the values of A for
// the steps of all groups lie side by side, in 128 bits. 1 x 1024 x 1024 69 us, 52 so; with B in
// the second-level cache (1 x 1024 x 192) 12.2, 9.6. Two groups of eight: 57 and 10.2. Two rows of
// A took as long as without groups, three and four longer, and float64 too.
constexpr int kGroups = 4;
// Steps of a block of k: their values of A take 16 KB. 1 x 4096 x 512 as one block took 149 us.
constexpr int64_t kGroupedSteps = 1024;
// Fewer columns don't repay the ends, where some groups do nothing (us without and with groups): 64
// by 1024 4.4, 5.0; 96 6.6, 5.6; 256 18.4, 13.9. Columns 2 KB apart gain nothing (1024 by 512 35.7,
// 35.2).
constexpr int64_t kGroupedColumns = 96;

// The columns of group q in a register of chains, to memory and from there (or 0 without any).
TG_INLINE void storeGroup(float* to, RegF chains, int q) {
  const __m512i lanes = _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m512i from = _mm512_add_epi32(lanes, _mm512_set1_epi32(q));
  _mm_storeu_ps(to, _mm512_castps512_ps128(_mm512_permutexvar_ps(from, chains.v)));
}
TG_INLINE RegF startGroup(RegF chains, const float* from, int q) {
  const auto mask = static_cast<__mmask16>(0x1111 << q);
  if (!from) return {_mm512_mask_mov_ps(chains.v, mask, _mm512_setzero_ps())};
  const __m512i lanes = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  const __m512 values = _mm512_castps128_ps512(_mm_loadu_ps(from));
  return {_mm512_mask_permutexvar_ps(chains.v, mask, lanes, values)};
}

// The next 16 steps of 16 columns, of which group q starts at from[q].
TG_INLINE void loadGroups(const char* const (&from)[kGroups], int64_t bytes, int64_t step,
                          RegF (&block)[16]) {
  const int64_t one = hidden(step), three = hidden(3 * step);
  const auto at = [](const char* p) { return load(reinterpret_cast<const float*>(p)); };
  TG_UNROLL for (int q = 0; q < kGroups; ++q) {
    const char* const p = from[q] + bytes;
    block[q] = at(p);
    block[kGroups + q] = at(p + one);
    block[2 * kGroups + q] = at(p + 2 * one);
    block[3 * kGroups + q] = at(p + three);
  }
  transpose<float>(block);
}

// Steps [first, first + steps) of the columns of `pairs` pairs of registers.
TG_INLINE void dotGroupedSteps(const GemmDot<float>& d, int64_t pairs, int64_t first,
                               int64_t steps) {
  constexpr int64_t L = 16, kPair = 2 * L, kColumns = L / kGroups;
  const int64_t part = steps / kGroups, step = d.bCol * static_cast<int64_t>(sizeof(float));
  alignas(64) float values[kGroupedSteps * kGroups];
  const float* const a = d.a + first * d.aCol;
  for (int q = 0; q < kGroups; ++q) {
    float* to = values + q;
    for (int64_t p = steps - q * part; p < steps; ++p, to += kGroups) *to = a[p * d.aCol];
    for (int64_t p = 0; p < steps - q * part; ++p, to += kGroups) *to = a[p * d.aCol];
  }
  const bool zero = first == 0 && d.fresh;
  RegF acc[2] = {splat<float>(0), splat<float>(0)};
  // In turn f of pair j group f begins with it, and so ends with the pair before.
  for (int64_t j = 0; j <= pairs; ++j) {
    for (int f = 0; f < kGroups; ++f) {
      TG_UNROLL for (int c = 0; c < 2; ++c) {
        float* const at = d.c + j * kPair + c * L + f * kColumns;
        if (j > 0) storeGroup(at - kPair, acc[c], f);
        if (j < pairs) acc[c] = startGroup(acc[c], zero ? nullptr : at, f);
      }
      if (j == pairs && f == kGroups - 1) return;
      const char *from[kGroups], *second[kGroups];
      TG_UNROLL for (int q = 0; q < kGroups; ++q) {
        // Groups without a pair, at both ends, read one that exists.
        const int64_t own = q <= f ? j : j - 1, pair = own < 0 ? 0 : own < pairs ? own : pairs - 1;
        const int64_t p = first + (q <= f ? f - q : f - q + kGroups) * part;
        from[q] = reinterpret_cast<const char*>(d.b + (pair * kPair + q * kColumns) * d.bCol + p);
        second[q] = from[q] + L * step;
      }
      const float* x = values + f * part * kGroups;
      for (int64_t p = 0; p < part; p += L, x += L * kGroups) {
        TG_UNROLL for (int c = 0; c < 2; ++c) {
          RegF block[L];
          loadGroups(c == 0 ? from : second, p * static_cast<int64_t>(sizeof(float)), step, block);
          const float* const y = hidden(x);
          TG_UNROLL for (int i = 0; i < L; ++i) {
            const RegF of = {_mm512_broadcast_f32x4(_mm_loadu_ps(y + i * kGroups))};
            acc[c] = fma(of, block[i], acc[c]);
          }
        }
      }
    }
  }
}

// As many columns as there are whole pairs of registers of: returns their number, or 0 where this
// is nothing to gain. Without a step nothing would be stored.
TG_NOINLINE inline int64_t dotGrouped(const GemmDot<float>& d) {
  constexpr int64_t kSetBytes = 4096, kPair = 32, kWhole = 16 * kGroups;
  if (d.bCol * static_cast<int64_t>(sizeof(float)) % kSetBytes != 0 || d.turned ||
      d.n < kGroupedColumns || d.k == 0 || d.k % kWhole != 0) {
    return 0;
  }
  const int64_t pairs = d.n / kPair;
  for (int64_t first = 0; first < d.k; first += kGroupedSteps) {
    const int64_t left = d.k - first;
    dotGroupedSteps(d, pairs, first, left < kGroupedSteps ? left : kGroupedSteps);
  }
  return pairs * kPair;
}
TG_INLINE int64_t dotGrouped(const GemmDot<double>&) { return 0; }
#endif

template <class T, int R>
void gemmDot(const GemmDot<T>& d) {
  constexpr int L = Reg<T>::lanes;
  int64_t j = 0;
#if defined(TG_TARGET_AVX512)
  if constexpr (R == 1) j = dotGrouped(d);
#endif
  if constexpr (kDotBlocks<R> > 1) {
    if (!dotCollides<T, R>(d)) {
      // At the end the second register computes some of the first one's columns again.
      for (; d.n - j > L; j += 2 * L) {
        dotTwoColumns<T, R>(d, j, j + L < d.n - L ? j + L : d.n - L);
      }
    }
  }
  for (; j < d.n; j += L) {
    // Chains that don't start from C can be computed again.
    const bool again = d.fresh && d.n > L && d.n - j < L;
    dotColumns<T, R>(d, again ? d.n - L : j, again || d.n - j >= L ? L : d.n - j);
  }
}

template <class T, int R = 1>
constexpr void fillGemmDots(GemmKernels<T>& kernels) {
  kernels.dot[R - 1] = gemmDot<T, R>;
  if constexpr (R < kDotRows) fillGemmDots<T, R + 1>(kernels);
}

TG_TARGET_END
