// Iterations on the few numbers of tridiagonal and bidiagonal matrices, in float64 for either type
// of vectors. The matrices were scaled so that their largest element is about 1.
#include <float.h>
#include <math.h>

#include "linalg.h"

namespace tilegrad {
namespace {

// Below this an element is nothing beside 1, and its square is not yet a denormal number.
constexpr double kTiny = 0x1p-480;

// The length of (a, b): of ordinary numbers, so without scaling; the C library's differs between
// machines.
double length(double a, double b) { return sqrt(a * a + b * b); }

void rotateVectors(const Vectors& v, int64_t i, int64_t j, double c, double s) {
  if (v.at) v.rotate(v, i, j, c, s);
}

void exchangeVectors(const Vectors& v, int64_t i, int64_t j) {
  if (v.at) v.exchange(v, i, j);
}

// c = a / r and s = b / r with r = |(a, b)|, which is returned; of nothing (1, 0).
double turn(double a, double b, double* c, double* s) {
  const double r = length(a, b);
  *c = r == 0 ? 1 : a / r;
  *s = r == 0 ? 0 : b / r;
  return r;
}

// One implicit QL step on [l, m], whose e aren't negligible.
void qlStep(int64_t l, int64_t m, double* d, double* e, const Vectors& vectors) {
  const double half = (d[l + 1] - d[l]) / (2 * e[l]);
  const double root = length(half, 1);
  double g = d[m] - d[l] + e[l] / (half + (half < 0 ? -root : root));
  double s = 1, c = 1, p = 0;
  for (int64_t i = m - 1; i >= l; --i) {
    const double f = s * e[i], b = c * e[i];
    const double r = length(f, g);
    e[i + 1] = r;
    if (r == 0) {  // the matrix falls apart here
      d[i + 1] -= p;
      e[m] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1] - p;
    const double t = (d[i] - g) * s + 2 * c * b;
    p = s * t;
    d[i + 1] = g + p;
    g = c * t - b;
    rotateVectors(vectors, i + 1, i, c, s);
  }
  d[l] -= p;
  e[l] = g;
  e[m] = 0;
}

// One implicit QR step on [k, p), with the shift from its last 2 x 2 block.
void qrStep(int64_t k, int64_t p, double* d, double* e, const Vectors& left, const Vectors& right) {
  const double last = d[p - 1], before = d[p - 2], beside = e[p - 2];
  const double b = ((before + last) * (before - last) + beside * beside) / 2;
  const double c = last * beside * (last * beside);
  double shift = 0;
  if (b != 0 || c != 0) {
    const double root = sqrt(b * b + c);
    shift = c / (b + (b < 0 ? -root : root));
  }
  double f = (d[k] + last) * (d[k] - last) + shift, g = d[k] * e[k];
  for (int64_t j = k; j < p - 1; ++j) {
    double cosine, sine;
    double r = turn(f, g, &cosine, &sine);
    if (j != k) e[j - 1] = r;
    f = cosine * d[j] + sine * e[j];
    e[j] = cosine * e[j] - sine * d[j];
    g = sine * d[j + 1];
    d[j + 1] = cosine * d[j + 1];
    rotateVectors(right, j, j + 1, cosine, sine);
    r = turn(f, g, &cosine, &sine);
    d[j] = r;
    f = cosine * e[j] + sine * d[j + 1];
    d[j + 1] = cosine * d[j + 1] - sine * e[j];
    g = sine * e[j + 1];
    e[j + 1] = cosine * e[j + 1];
    rotateVectors(left, j, j + 1, cosine, sine);
  }
  e[p - 2] = f;
}

// d[p - 1] is 0: turns e[p - 2] away, upwards to row k.
void chaseColumn(int64_t k, int64_t p, double* d, double* e, const Vectors& right) {
  double f = e[p - 2];
  e[p - 2] = 0;
  for (int64_t j = p - 2; j >= k; --j) {
    double c, s;
    d[j] = turn(d[j], f, &c, &s);
    if (j != k) {
      f = -s * e[j - 1];
      e[j - 1] = c * e[j - 1];
    }
    rotateVectors(right, j, p - 1, c, s);
  }
}

// d[k - 1] is 0: turns e[k - 1] away, downwards to row p - 1.
void chaseRow(int64_t k, int64_t p, double* d, double* e, const Vectors& left) {
  double f = e[k - 1];
  e[k - 1] = 0;
  for (int64_t j = k; j < p; ++j) {
    double c, s;
    d[j] = turn(d[j], f, &c, &s);
    f = -s * e[j];
    e[j] = c * e[j];
    rotateVectors(left, j, k - 1, c, s);
  }
}

bool negligible(double x, double beside) {
  return fabs(x) <= kTiny || fabs(x) <= DBL_EPSILON * beside;
}

// Selection sort: n exchanges at most.
void sortValues(int64_t n, double* d, bool descending, const Vectors& a, const Vectors& b) {
  for (int64_t i = 0; i + 1 < n; ++i) {
    int64_t best = i;
    for (int64_t j = i + 1; j < n; ++j) {
      if (descending ? d[j] > d[best] : d[j] < d[best]) best = j;
    }
    if (best == i) continue;
    const double kept = d[i];
    d[i] = d[best];
    d[best] = kept;
    exchangeVectors(a, i, best);
    exchangeVectors(b, i, best);
  }
}

}  // namespace

bool tridiagonalQl(int64_t n, double* d, double* e, const Vectors& vectors) {
  for (int64_t l = 0; l < n; ++l) {
    for (int step = 0;; ++step) {
      int64_t m = l;
      while (m + 1 < n && !negligible(e[m], fabs(d[m]) + fabs(d[m + 1]))) ++m;
      if (m == l) break;
      if (step == kMaxSteps) return false;
      qlStep(l, m, d, e, vectors);
    }
  }
  sortValues(n, d, false, vectors, {});
  return true;
}

bool bidiagonalQr(int64_t n, double* d, double* e, const Vectors& left, const Vectors& right) {
  int step = 0;
  for (int64_t p = n; p > 0;) {
    if (step > kMaxSteps) return false;
    // The last block [k, p) whose e aren't negligible.
    int64_t k = p - 1;
    while (k > 0 && !negligible(e[k - 1], fabs(d[k - 1]) + fabs(d[k]))) --k;
    if (k > 0) e[k - 1] = 0;
    if (k == p - 1) {
      if (d[k] < 0) {
        d[k] = -d[k];
        if (right.at) right.negate(right, k);
      }
      --p;
      step = 0;
      continue;
    }
    ++step;
    // The last d of the block that is negligible, beside its e.
    int64_t zero = p - 1;
    while (zero >= k) {
      const double beside = (zero < p - 1 ? fabs(e[zero]) : 0) + (zero > k ? fabs(e[zero - 1]) : 0);
      if (negligible(d[zero], beside)) break;
      --zero;
    }
    if (zero < k) {
      qrStep(k, p, d, e, left, right);
    } else {
      d[zero] = 0;
      if (zero == p - 1) {
        chaseColumn(k, p, d, e, right);
      } else {
        chaseRow(zero + 1, p, d, e, left);
      }
    }
  }
  sortValues(n, d, true, left, right);
  return true;
}

}  // namespace tilegrad
