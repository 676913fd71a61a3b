#!/usr/bin/env python3
"""Prints the polynomials of native/simd/math_constants.h and math_trig_constants.h. Needs mpmath; no
build needs this file.

Each fit minimises the largest weighted error on an interval with the exchange algorithm of Remez
(1934), on a fine grid; the coefficients are then rounded to the working precision, and the error
that is printed includes that. The weight makes it the relative error of the finished function.
"""
from mpmath import mp, mpf, matrix, lu_solve, exp, log, sqrt, atanh, tanh, erf, erfc, sin, cos, pi
from mpmath import asin, atan, expm1, frexp, ldexp, nint, sinh

mp.dps = 50
GRID = 800


def rounded(x, bits):
    """x rounded to a significand of `bits` bits."""
    if x == 0:
        return x
    m, e = frexp(x)
    return ldexp(nint(ldexp(m, bits)), e - bits)


def chebyshev(a, b, count):
    return [(a + b) / 2 - (b - a) / 2 * cos(pi * i / (count - 1)) for i in range(count)]


def exchange(errors, ref):
    """The next reference: alternating extrema, or else the old one with the worst point in it."""
    count = len(ref)
    runs = []
    for i, e in enumerate(errors):
        if runs and (errors[runs[-1]] > 0) == (e > 0):
            if abs(e) > abs(errors[runs[-1]]):
                runs[-1] = i
        else:
            runs.append(i)
    while len(runs) > count:
        runs.pop(0 if abs(errors[runs[0]]) < abs(errors[runs[-1]]) else -1)
    if len(runs) == count:
        return runs
    worst = max(range(len(errors)), key=lambda i: abs(errors[i]))
    same = [i for i in ref if (errors[i] > 0) == (errors[worst] > 0)]
    if worst < ref[0]:
        return [worst] + (ref[1:] if ref[0] in same else ref[:-1])
    if worst > ref[-1]:
        return (ref[:-1] if ref[-1] in same else ref[1:]) + [worst]
    near = min(same, key=lambda i: abs(i - worst)) if same else ref[0]
    return sorted([i for i in ref if i != near] + [worst])


def remez(points, values, weights, basis):
    """Coefficients of the basis that minimise max |weight * (value - sum)|.

    basis: one list of values at the points for each coefficient.
    """
    n = len(basis)
    ref = [int(nint(mpf(i) * (len(points) - 1) / n)) for i in range(n + 1)]
    best, least = None, None
    for _ in range(40):
        a = matrix(n + 1, n + 1)
        b = matrix(n + 1, 1)
        for row, i in enumerate(ref):
            for j in range(n):
                a[row, j] = basis[j][i]
            a[row, n] = (-1) ** row / weights[i]
            b[row] = values[i]
        c = lu_solve(a, b)
        errors = [w * (v - sum(c[j] * basis[j][i] for j in range(n)))
                  for i, (v, w) in enumerate(zip(values, weights))]
        worst = max(abs(e) for e in errors)
        if least is None or worst < least:
            best, least = list(c)[:n], worst
        if worst <= abs(c[n]) * mpf('1.001'):
            break
        ref = exchange(errors, ref)
        if len(set(ref)) <= n:
            break
    return best


def polynomial(f, weight, a, b, degree, bits):
    """Rounded coefficients c[0..degree] of f on [a, b], and their largest weighted error."""
    points = chebyshev(mpf(a), mpf(b), GRID)
    values = [f(x) for x in points]
    weights = [weight(x) for x in points]
    powers = [[x ** k for x in points] for k in range(degree + 1)]
    c = [rounded(x, bits) for x in remez(points, values, weights, powers)]
    return c, max(abs(w * (v - sum(ck * p[i] for ck, p in zip(c, powers))))
                  for i, (v, w) in enumerate(zip(values, weights)))


def rational(f, weight, a, b, p, q, bits):
    """Rounded coefficients of P (degree p) and Q (degree q, Q(0) = 1) with f = P / Q on [a, b]."""
    points = chebyshev(mpf(a), mpf(b), GRID)
    values = [f(x) for x in points]
    weights = [weight(x) for x in points]
    n = p + q + 1
    ref = [int(nint(mpf(i) * (GRID - 1) / n)) for i in range(n + 1)]
    e = mpf(0)
    poly = lambda c, x: sum(ck * x ** k for k, ck in enumerate(c))
    for _ in range(60):
        for _ in range(12):  # the unknown error multiplies Q: solved by iteration
            m = matrix(n + 1, n + 1)
            r = matrix(n + 1, 1)
            for row, i in enumerate(ref):
                x, s = points[i], (-1) ** row / weights[i]
                for k in range(p + 1):
                    m[row, k] = x ** k
                for k in range(1, q + 1):
                    m[row, p + k] = -(values[i] - s * e) * x ** k
                m[row, n] = s
                r[row] = values[i]
            c = lu_solve(m, r)
            if e != 0 and abs(c[n] - e) < abs(e) * mpf(10) ** -8:
                break
            e = c[n]
        ps, qs = list(c)[:p + 1], [mpf(1)] + list(c)[p + 1:n]
        errors = [w * (v - poly(ps, x) / poly(qs, x)) for v, w, x in zip(values, weights, points)]
        new = exchange(errors, ref)
        if new == ref:
            break
        ref = new
    ps, qs = [rounded(x, bits) for x in ps], [rounded(x, bits) for x in qs]
    worst = max(abs(w * (v - poly(ps, x) / poly(qs, x)))
                for v, w, x in zip(values, weights, points))
    return ps, qs, worst


def hexFloat(x, bits):
    m, e = frexp(x)
    n = int(nint(ldexp(abs(m), bits)))
    digits = (bits - 1 + 3) // 4
    fraction = (n - (1 << (bits - 1))) << (4 * digits - (bits - 1))
    text = f'{fraction:0{digits}x}'.rstrip('0')
    sign = '-' if x < 0 else ''
    return f'{sign}0x1{"." + text if text else ""}p{e - 1}' + ('f' if bits == 24 else '')


def show(name, coefficients, worst, bits):
    print(f'{name}: {len(coefficients)} coefficients, error 2^{mp.nstr(log(worst, 2), 4)}')
    print('  ' + ', '.join(hexFloat(c, bits) for c in coefficients))


def parts(name, x, bits, count):
    """x as a sum of numbers of `bits` bits, each the rest of those before, rounded."""
    values = []
    for _ in range(count):
        values.append(rounded(x, bits))
        x -= values[-1]
    print(name, ', '.join(hexFloat(v, bits) for v in values))


def odd(f, first):
    """P with f(x) = x + x z P(z), z = x^2, for an odd function whose series starts x + first x^3."""
    return lambda z: (f(sqrt(z)) / sqrt(z) - 1) / z if z > mpf(10) ** -25 else first


def oddWeight(f):
    """Makes an error of odd(f) the relative error of f."""
    return lambda z: z / (f(sqrt(z)) / sqrt(z)) + mpf(10) ** -9 if z > 0 else mpf(10) ** -9


def pieces(name, f, step, degree, end, relative, slope, push):
    """f(i step + r) = T[i] + r P(r) for |r| <= step / 2, i = 0..15, |x| <= end: the 16 values of each
    coefficient. T is f rounded; the fit takes its error in. In the first piece it is slope r + r P(r);
    the last one is pushed up by push at its end."""
    table, worst = [], mpf(0)
    for i in range(16):
        centre, half = i * step, step / 2 * mpf('1.0002')
        top = min(half, end - centre) if i == 15 else half
        value = rounded(f(centre), 24)
        lift = push / top if i == 15 else -slope if i == 0 else 0
        target = lambda r: (f(centre + r) - value) / r + lift
        # An even number of points, so that none is 0; the first piece has nothing below 0.
        weight = lambda r: abs(r) / (f(centre + r) if relative else 1) + mpf(10) ** -6
        if i == 0 and relative:
            weight = lambda r: r / f(r)
        c, error = polynomial(target, weight, mpf(10) ** -9 if i == 0 else -half, top, degree, 24)
        table.append([value] + c)
        worst = max(worst, error)
    print(f'{name}: {degree + 2} coefficients of 16 pieces, error 2^{mp.nstr(log(worst, 2), 4)}')
    for k in range(degree + 2):
        print('  {' + ', '.join(hexFloat(row[k], 24) if row[k] else '0' for row in table) + '},')


def inPieces():
    half = mpf(1) / 2
    # What is pushed up comes out as 1 (1 / 2) at the end, and then stays there.
    pieces('erfPieces', erf, mpf(1) / 4, 4, mpf('3.875'), True, 1, mpf(2) ** -25)
    pieces('normalPieces', lambda x: erf(x * sqrt(half)) / 2, mpf(23) / 64, 4, mpf('5.57'), False, 0,
           mpf(2) ** -26)
    pieces('tanhPieces', tanh, mpf(75) / 128, 6, mpf('9.08'), True, 0, mpf(2) ** -26)


def wordsAndPowers(bits, is32):
    """exp2, log2, log10, pow: constants in two parts, and the rest of the logarithm's series."""
    ln2 = log(mpf(2))
    parts('ln2', ln2, bits, 2)
    parts('log2e in two parts', 1 / ln2, bits, 2)
    parts('log10e', 1 / log(mpf(10)), bits, 2)
    hi = rounded(log(mpf(2), 10), 16 if is32 else 42)
    print('log10Of2High', hexFloat(hi, bits), 'Low', hexFloat(rounded(log(mpf(2), 10) - hi, bits),
                                                              bits))
    parts('two thirds', mpf(2) / 3, bits, 2)
    # 2 atanh(s) = 2 s + s z (2/3 + z P(z)), z = s^2, as for log.
    top = ((sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)) ** 2 * mpf('1.001')
    f = lambda z: ((2 * atanh(sqrt(z)) / sqrt(z) - 2) / z - mpf(2) / 3) / z if z > mpf(
        10) ** -15 else mpf(2) / 5
    show('logRest', *polynomial(f, lambda z: z * z / 2 + mpf(10) ** -12, 0, top, 3 if is32 else 7,
                                bits), bits)


def hyperbolic(bits, is32):
    # sinh(x) = x + x z P(z), z = x^2 <= 1.
    show('sinh', *polynomial(odd(sinh, mpf(1) / 6), oddWeight(sinh), 0, 1, 3 if is32 else 7, bits),
         bits)


def complementary(bits, is32):
    # (1 + 2 x) exp(x^2) erfc(x) = P(q), q = (x - k) / (x + k), from 3/4, where erf's polynomial loses too
    # much, to where erfc rounds to 0.
    k = mpf(2) if is32 else mpf(4)
    end = mpf('10.1') if is32 else mpf('27.3')
    x = lambda q: k * (1 + q) / (1 - q)
    f = lambda q: (1 + 2 * x(q)) * exp(x(q) ** 2) * erfc(x(q))
    low, high = ((v - k) / (v + k) for v in (mpf('0.7499'), end))
    show('erfcScaled', *polynomial(f, lambda q: 1 / f(q), low, high, 10 if is32 else 21, bits),
         bits)


def trigonometric(bits, is32):
    parts('pi / 2', pi / 2, bits, 3)
    print('2 / pi', hexFloat(rounded(2 / pi, bits), bits))
    # sin(r) = r + r z S(z), cos(r) = 1 - z / 2 + z^2 C(z), z = r^2, |r| <= pi / 4 and a little more.
    top = (pi / 4 * mpf('1.01')) ** 2
    show('sine', *polynomial(odd(sin, -mpf(1) / 6), oddWeight(sin), 0, top, 3 if is32 else 6, bits),
         bits)
    f = lambda z: (cos(sqrt(z)) - 1 + z / 2) / z ** 2 if z > mpf(10) ** -11 else mpf(1) / 24
    weight = lambda z: z * z / cos(sqrt(z)) + mpf(10) ** -12
    show('cosine', *polynomial(f, weight, 0, top, 2 if is32 else 6, bits), bits)
    # asin(s) = s + s z P(z), z = s^2 <= 1/4; atan(t) = t + t z P(z), z = t^2 <= 1.
    show('asin', *polynomial(odd(asin, mpf(1) / 6), oddWeight(asin), 0, mpf(1) / 4,
                             4 if is32 else 12, bits), bits)
    show('atan', *polynomial(odd(atan, -mpf(1) / 3), oddWeight(atan), 0, 1, 8 if is32 else 18,
                             bits), bits)


def main():
    half = mpf(1) / 2
    for bits in (24, 53):
        is32 = bits == 24
        print(f'\n=== {bits} bits')
        ln2 = log(mpf(2))
        hi = rounded(ln2, 16 if is32 else 42)
        print('log2e', hexFloat(rounded(1 / ln2, bits), bits), 'ln2High', hexFloat(hi, bits),
              'ln2Low', hexFloat(rounded(ln2 - hi, bits), bits))

        # exp(r) = 1 + r + r^2 P(r) on [-ln2/2, ln2/2] and a little beyond; relative error of expm1.
        series = lambda r: (half + r / 6 + r * r / 24) if abs(r) < mpf(10) ** -15 else (
            expm1(r) - r) / r ** 2
        weight = lambda r: abs(r * r / expm1(r))
        edge = ln2 / 2 * mpf('1.001')
        show('exp', *polynomial(series, weight, -edge, edge,
                                5 if is32 else 10, bits), bits)

        # 2 atanh(s) = 2 s + s z P(z), z = s^2, for s = f / (2 + f) and 1 + f in [sqrt 1/2, sqrt 2].
        top = ((sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)) ** 2 * mpf('1.001')
        f = lambda z: (2 * atanh(sqrt(z)) / sqrt(z) - 2) / z if z > mpf(10) ** -25 else mpf(2) / 3
        weight = lambda z: z / 2 + mpf(10) ** -12
        show('log', *polynomial(f, weight, 0, top, 2 if is32 else 6, bits), bits)

        # tanh(x) = x + x z P(z) / Q(z), z = x^2 <= (7/8)^2.
        f = lambda z: (tanh(sqrt(z)) / sqrt(z) - 1) / z if z > mpf(10) ** -25 else -mpf(1) / 3
        weight = lambda z: z / (tanh(sqrt(z)) / sqrt(z)) + mpf(10) ** -9 if z > 0 else mpf(10) ** -9
        p, q, worst = rational(f, weight, 0, mpf('0.875') ** 2, *((1, 2) if is32 else (3, 3)), bits)
        show('tanh P', p, worst, bits)
        show('tanh Q', q, worst, bits)

        # erf(x) = x + x P(z), z = x^2 <= 1.
        f = lambda z: erf(sqrt(z)) / sqrt(z) - 1 if z > 0 else 2 / sqrt(pi) - 1
        show('erf', *polynomial(f, lambda z: 1 / (f(z) + 1), 0, 1, 6 if is32 else 12, bits), bits)

        # log(erfc(x)) = P(x - 1) from 1 to where erf rounds to 1; absolute error of erfc.
        end = mpf('3.95') if is32 else mpf('5.95')
        f = lambda t: log(erfc(t + 1))
        show('erfc', *polynomial(f, lambda t: erfc(t + 1), 0, end - 1, 8 if is32 else 19, bits),
             bits)

        # sin(2 pi r) = r S(z), cos(2 pi r) = 1 + z C(z), z = r^2 <= 1/64.
        f = lambda z: sin(2 * pi * sqrt(z)) / sqrt(z) if z > 0 else 2 * pi
        weight = lambda z: 1 / f(z)
        show('sin', *polynomial(f, weight, 0, mpf(1) / 64, 3 if is32 else 6, bits), bits)
        f = lambda z: (cos(2 * pi * sqrt(z)) - 1) / z if z > mpf(10) ** -25 else -2 * pi * pi
        show('cos', *polynomial(f, lambda z: z + mpf(10) ** -9, 0, mpf(1) / 64, 3 if is32 else 6,
                                bits), bits)

        wordsAndPowers(bits, is32)
        hyperbolic(bits, is32)
        complementary(bits, is32)
        trigonometric(bits, is32)
    inPieces()


if __name__ == '__main__':
    main()
