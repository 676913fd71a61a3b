{
  # What `npm run prepare` and the prebuilt binaries are made from. Files and flags are listed in
  # native/sources.gypi, which CMakeLists.txt reads too. gyp has no flags per file, so the kernels of
  # each SIMD level are a static library of their own.
  #
  # -O3 is for kernels, where it unrolls loops over registers (softmax, reductions and optimizer steps
  # take up to twice as long at -O2). What stands around them was a tenth of the binary larger with it,
  # and nothing faster.
  "includes": ["native/sources.gypi"],

  "target_defaults": {
    "cflags_cc": ["<@(common_flags)"],
    # Node's own common.gypi puts its standard behind ours, and the last one counts.
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
    "xcode_settings": {
      "OTHER_CPLUSPLUSFLAGS": ["<@(common_flags)"],
      "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
      "GCC_ENABLE_CPP_EXCEPTIONS": "NO",
      "GCC_ENABLE_CPP_RTTI": "NO",
      "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
      "MACOSX_DEPLOYMENT_TARGET": "11.0"
    },
    "msvs_settings": {
      "VCCLCompilerTool": { "AdditionalOptions": ["<@(common_msvc_flags)"], "ExceptionHandling": 0 }
    },
    "conditions": [
      ["target_arch == 'x64'", { "defines": ["TG_HAVE_AVX2", "TG_HAVE_AVX512", "TG_HAVE_AVX512_BF16"] }],
      ["target_arch == 'arm64'", { "defines": ["TG_HAVE_NEON"] }]
    ]
  },

  "targets": [
    {
      "target_name": "tilegrad",
      "sources": ["<@(base_sources)", "<@(ops_sources)", "<@(addon_sources)"],
      "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "dependencies": ["tilegrad_scalar"],
      "conditions": [
        ["target_arch == 'x64'", { "dependencies": ["tilegrad_avx2", "tilegrad_avx512", "tilegrad_avx512_bf16", "tilegrad_avx512_vnni"] }],
        ["target_arch == 'arm64'", { "dependencies": ["tilegrad_neon", "tilegrad_neon_dot"] }],
        ["OS == 'linux'", { "ldflags": ["<@(linux_link_flags)", "-Wl,--version-script=<(module_root_dir)/native/exports.map"] }],
        ["OS == 'mac'", { "xcode_settings": { "OTHER_LDFLAGS": ["<@(mac_link_flags)"] } }]
      ],
      "configurations": {
        "Release": { "conditions": [["OS == 'linux'", { "ldflags": ["-Wl,--strip-all"] }]] }
      }
    },
    {
      "target_name": "tilegrad_scalar",
      "type": "static_library",
      "sources": ["<@(scalar_sources)"],
      "cflags_cc": ["<@(scalar_flags)"],
      "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(scalar_flags)"] }
    }
  ],

  "conditions": [
    ["target_arch == 'x64'", {
      "targets": [
        {
          "target_name": "tilegrad_avx2",
          "type": "static_library",
          "sources": ["<@(avx2_sources)"],
          "cflags_cc": ["<@(avx2_flags)"],
          "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(avx2_flags)"] },
          "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["<@(avx2_msvc_flags)"] } }
        },
        {
          "target_name": "tilegrad_avx512",
          "type": "static_library",
          "sources": ["<@(avx512_sources)"],
          "cflags_cc": ["<@(avx512_flags)"],
          "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(avx512_flags)"] },
          "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["<@(avx512_msvc_flags)"] } }
        },
        {
          "target_name": "tilegrad_avx512_bf16",
          "type": "static_library",
          "sources": ["<@(avx512_bf16_sources)"],
          "cflags_cc": ["<@(avx512_bf16_flags)"],
          "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(avx512_bf16_flags)"] },
          "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["<@(avx512_bf16_msvc_flags)"] } }
        },
        {
          "target_name": "tilegrad_avx512_vnni",
          "type": "static_library",
          "sources": ["<@(avx512_vnni_sources)"],
          "cflags_cc": ["<@(avx512_vnni_flags)"],
          "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(avx512_vnni_flags)"] },
          "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["<@(avx512_vnni_msvc_flags)"] } }
        }
      ]
    }],
    ["target_arch == 'arm64'", {
      "targets": [
        {
          "target_name": "tilegrad_neon",
          "type": "static_library",
          "sources": ["<@(neon_sources)"]
        },
        {
          "target_name": "tilegrad_neon_dot",
          "type": "static_library",
          "sources": ["<@(neon_dot_sources)"],
          "cflags_cc": ["<@(neon_dot_flags)"],
          "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(neon_dot_flags)"] },
          "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["<@(neon_dot_msvc_flags)"] } }
        }
      ]
    }]
  ]
}
