// The constants of math_trig.h and math_arc.h, from tools/fit-math.py like those of
// math_constants.h.
#pragma once
#include "target.h"

TG_TARGET_BEGIN

template <class T>
struct TrigConstants;

template <>
struct TrigConstants<float> {
  // Numbers in [1 / hypotLarge, hypotLarge] have squares far from overflow and underflow, and
  // others do when hypotScale has divided or multiplied them.
  static constexpr float hypotLarge = 0x1p60f;
  static constexpr float hypotScale = 0x1p90f;
  // pi / 2 as a sum of three numbers of full precision, and 2 / pi.
  static constexpr float halfPi[3] = {0x1.921fb6p0f, -0x1.777a5cp-25f, -0x1.ee59dap-50f};
  static constexpr float twoOverPi = 0x1.45f306p-1f;
  // Up to here x 2 / pi is rounded to the right integer, or to one whose remainder is within 1.01
  // pi / 4.
  static constexpr float limit = 0x1p17f;
  // sin(r) = r + r z P(z), z = r^2, |r| <= 1.01 pi / 4. Error 2^-28.03.
  static constexpr float sine[4] = {-0x1.555556p-3f, 0x1.111108p-7f, -0x1.a00f12p-13f,
                                    0x1.6cb802p-19f};
  // cos(r) = 1 - z / 2 + z^2 P(z). Error 2^-30.21.
  static constexpr float cosine[3] = {0x1.55554ap-5f, -0x1.6c0bc4p-10f, 0x1.99cb82p-16f};
  // asin(s) = s + s z P(z), z = s^2 <= 1/4. Error 2^-27.35.
  static constexpr float asin[5] = {0x1.5555c8p-3f, 0x1.3301e4p-4f, 0x1.747e4ap-5f, 0x1.8c2842p-6f,
                                    0x1.596d22p-5f};
  // atan(t) = t + t z P(z), z = t^2 <= 1. Error 2^-27.02.
  static constexpr float atan[9] = {-0x1.55553ep-2f, 0x1.9991fep-3f,  -0x1.2421b6p-3f,
                                    0x1.c099fep-4f,  -0x1.583492p-4f, 0x1.dac9e4p-5f,
                                    -0x1.fed15cp-6f, 0x1.65a656p-7f,  -0x1.d62fep-10f};
};

template <>
struct TrigConstants<double> {
  static constexpr double hypotLarge = 0x1p500;
  static constexpr double hypotScale = 0x1p600;
  // pi / 2 as a sum of three numbers of full precision, and 2 / pi.
  static constexpr double halfPi[3] = {0x1.921fb54442d18p0, 0x1.1a62633145c07p-54,
                                       -0x1.f1976b7ed8fbcp-110};
  static constexpr double twoOverPi = 0x1.45f306dc9c883p-1;
  // As above; and n pi / 2 in three parts has error n 2^-161, which is 2^-131 at most.
  static constexpr double limit = 0x1p30;
  // sin(r) = r + r z P(z), z = r^2, |r| <= 1.01 pi / 4. Error 2^-57.15.
  static constexpr double sine[7] = {
      -0x1.5555555555555p-3,  0x1.111111111110ap-7,  -0x1.a01a01a018826p-13, 0x1.71de3a53010b2p-19,
      -0x1.ae64524f44705p-26, 0x1.6120646d340bfp-33, -0x1.aa8e6bf18ffdfp-41};
  // cos(r) = 1 - z / 2 + z^2 P(z). Error 2^-59.5.
  static constexpr double cosine[7] = {
      0x1.5555555555555p-5,  -0x1.6c16c16c16c0ep-10, 0x1.a01a01a018abfp-16, -0x1.27e4fb75c8d1dp-22,
      0x1.1eed8c6a19002p-29, -0x1.9392f89ddcfdfp-37, 0x1.aaa9a28a0d2eap-45};
  // asin(s) = s + s z P(z), z = s^2 <= 1/4. Error 2^-58.75.
  static constexpr double asin[13] = {
      0x1.5555555555577p-3, 0x1.333333332e101p-4, 0x1.6db6db7214275p-5, 0x1.f1c71a9466f7cp-6,
      0x1.6e8bdeed95ed8p-6, 0x1.1c49ef881d1f1p-6, 0x1.ca1f9f772c504p-7, 0x1.7585025613f2bp-7,
      0x1.613f4bae00064p-7, 0x1.e5cebbc4355dep-9, 0x1.63a78c6aad2a8p-6, -0x1.580c58795174ep-6,
      0x1.0b4b278f3de36p-5};
  // atan(t) = t + t z P(z), z = t^2 <= 1. Error 2^-54.47.
  static constexpr double atan[19] = {
      -0x1.555555555544cp-2,  0x1.99999999840dfp-3,  -0x1.2492491fa1996p-3, 0x1.c71c709e0564cp-4,
      -0x1.745d022fee0e7p-4,  0x1.3b12b2dec8876p-4,  -0x1.11089cbfb1e69p-4, 0x1.e178149fbe7c5p-5,
      -0x1.ad32b0a95a7dep-5,  0x1.7ee3da9807683p-5,  -0x1.4f44e4d4500a2p-5, 0x1.171572b7f7817p-5,
      -0x1.a72595f08cdbdp-6,  0x1.162b2888cb07ap-6,  -0x1.2cf5ca49479f6p-7, 0x1.f969374668241p-9,
      -0x1.312796899b3f2p-10, 0x1.d3b6379c621a2p-13, -0x1.53e1b524c70cep-16};
};

// 2 / pi: 64 zeros, then its first 1216 bits after the point. The largest double, whose last bit is
// 2^971, needs those up to 1161 (see quarterTurns).
constexpr uint32_t kTwoOverPiBits[40] = {
    0x00000000u, 0x00000000u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u,
    0x3c439041u, 0xfe5163abu, 0xdebbc561u, 0xb7246e3au, 0x424dd2e0u, 0x06492eeau, 0x09d1921cu,
    0xfe1deb1cu, 0xb129a73eu, 0xe88235f5u, 0x2ebb4484u, 0xe99c7026u, 0xb45f7e41u, 0x3991d639u,
    0x835339f4u, 0x9c845f8bu, 0xbdf9283bu, 0x1ff897ffu, 0xde05980fu, 0xef2f118bu, 0x5a0a6d1fu,
    0x6d367ecfu, 0x27cb09b7u, 0x4f463f66u, 0x9e5fea2du, 0x7527bac7u, 0xebe5f17bu, 0x3d0739f7u,
    0x8a5292eau, 0x6bfb5fb1u, 0x1f8d5d08u, 0x56033046u, 0xfc7b6babu};

TG_TARGET_END
