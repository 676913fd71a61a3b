{
  "variables": {
    "base_sources": [
      "native/base/cpu.cpp",
      "native/base/cpu_budget.cpp",
      "native/base/freed_memory.cpp",
      "native/base/pin_library.cpp",
      "native/base/placement.cpp",
      "native/base/scratch.cpp",
      "native/base/thread_pool.cpp"
    ],
    "ops_sources": [
      "native/ops/arg.cpp",
      "native/ops/batch_norm.cpp",
      "native/ops/columns.cpp",
      "native/ops/compare.cpp",
      "native/ops/copy.cpp",
      "native/ops/cross_entropy.cpp",
      "native/ops/dispatch.cpp",
      "native/ops/elementwise.cpp",
      "native/ops/gather.cpp",
      "native/ops/gemm.cpp",
      "native/ops/gemm_bf16.cpp",
      "native/ops/gemm_int8.cpp",
      "native/ops/gemm_plan.cpp",
      "native/ops/gemm_rows.cpp",
      "native/ops/gradients.cpp",
      "native/ops/indexed.cpp",
      "native/ops/integer.cpp",
      "native/ops/linalg_iterations.cpp",
      "native/ops/linalg_orthogonal.cpp",
      "native/ops/linalg_parts.cpp",
      "native/ops/linalg_solve.cpp",
      "native/ops/loops.cpp",
      "native/ops/map.cpp",
      "native/ops/norm.cpp",
      "native/ops/optimizer.cpp",
      "native/ops/poisson.cpp",
      "native/ops/pool.cpp",
      "native/ops/random.cpp",
      "native/ops/reduce.cpp",
      "native/ops/reduce_int.cpp",
      "native/ops/resample.cpp",
      "native/ops/sampling.cpp",
      "native/ops/scan.cpp",
      "native/ops/scatter.cpp",
      "native/ops/select.cpp",
      "native/ops/softmax.cpp",
      "native/ops/sort.cpp",
      "native/ops/ternary.cpp",
      "native/ops/unique.cpp"
    ],
    "addon_sources": [
      "native/addon/addon.cpp",
      "native/addon/program.cpp",
      "native/addon/signature.cpp",
      "native/addon/table.cpp",
      "native/addon/trampoline.cpp"
    ],
    "scalar_sources": [
      "native/targets/scalar.cpp",
      "native/targets/scalar_elementwise.cpp",
      "native/targets/scalar_gemm.cpp",
      "native/targets/scalar_integer.cpp"
    ],
    "avx2_sources": [
      "native/targets/avx2.cpp",
      "native/targets/avx2_elementwise.cpp",
      "native/targets/avx2_gemm.cpp",
      "native/targets/avx2_integer.cpp"
    ],
    "avx512_sources": [
      "native/targets/avx512.cpp",
      "native/targets/avx512_elementwise.cpp",
      "native/targets/avx512_gemm.cpp",
      "native/targets/avx512_integer.cpp"
    ],
    "neon_sources": [
      "native/targets/neon.cpp",
      "native/targets/neon_elementwise.cpp",
      "native/targets/neon_gemm.cpp",
      "native/targets/neon_integer.cpp"
    ],
    "avx512_bf16_sources": ["native/targets/avx512_bf16.cpp"],
    "avx512_vnni_sources": ["native/targets/avx512_vnni.cpp"],
    "neon_dot_sources": ["native/targets/neon_dot.cpp"],

    "common_flags": [
      "-std=c++17",
      "-O2",
      "-ftree-vectorize",
      "-fno-exceptions",
      "-fno-rtti",
      "-ffp-contract=off",
      "-fno-math-errno",
      "-fvisibility=hidden",
      "-ffunction-sections",
      "-fdata-sections",
      "-fomit-frame-pointer",
      "-fno-asynchronous-unwind-tables",
      "-fno-unwind-tables"
    ],
    "scalar_flags": ["-Os"],
    "avx2_flags": ["-O3", "-mavx2", "-mfma", "-mf16c"],
    "avx512_flags": [
      "-O3",
      "-mavx2",
      "-mfma",
      "-mf16c",
      "-mavx512f",
      "-mavx512bw",
      "-mavx512dq",
      "-mavx512vl",
      "-mavx512cd"
    ],
    "neon_flags": ["-O3"],
    "neon_dot_flags": ["-O3", "-march=armv8.2-a+dotprod"],
    "avx512_bf16_flags": [
      "-O3",
      "-mavx2",
      "-mfma",
      "-mf16c",
      "-mavx512f",
      "-mavx512bw",
      "-mavx512dq",
      "-mavx512vl",
      "-mavx512cd",
      "-mavx512bf16"
    ],
    "avx512_vnni_flags": [
      "-O3",
      "-mavx2",
      "-mfma",
      "-mf16c",
      "-mavx512f",
      "-mavx512bw",
      "-mavx512dq",
      "-mavx512vl",
      "-mavx512cd",
      "-mavx512vnni"
    ],

    "common_msvc_flags": ["/std:c++17", "/O2", "/GR-", "/fp:precise"],
    "scalar_msvc_flags": [],
    "avx2_msvc_flags": ["/arch:AVX2"],
    "avx512_msvc_flags": ["/arch:AVX512"],
    "neon_msvc_flags": [],
    "avx512_bf16_msvc_flags": ["/arch:AVX512"],
    "avx512_vnni_msvc_flags": ["/arch:AVX512"],
    "neon_dot_msvc_flags": [],

    "linux_link_flags": [
      "-static-libstdc++",
      "-static-libgcc",
      "-pthread",
      "-Wl,--gc-sections",
      "-Wl,-z,nodelete",
      "-Wl,-z,now"
    ],
    "mac_link_flags": ["-Wl,-dead_strip"]
  }
}
