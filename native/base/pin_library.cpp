#if !defined(_WIN32) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE  // dladdr
#endif
#include "pin_library.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace tilegrad {
namespace {

// Any address inside the library.
const char kAnchor = 0;

bool pin() {
#if defined(_WIN32)
  HMODULE module;
  return GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                            &kAnchor, &module) != 0;
#else
  Dl_info info;
  if (dladdr(&kAnchor, &info) == 0 || info.dli_fname == nullptr) return false;
  // NOLOAD finds the copy that is already here; the handle is dropped on purpose.
  return dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE) != nullptr;
#endif
}

}  // namespace

void pinLibrary() {
  static const bool pinned = pin();
  static_cast<void>(pinned);
}

}  // namespace tilegrad
