#include "weak.h"

#include "trampoline.h"

namespace tilegrad {
namespace {

constexpr size_t kMaxArguments = 2;

// A call's arguments and the list that the first one names.
struct Call {
  napi_value argv[kMaxArguments];
  size_t argc = kMaxArguments;
  Environment* environment = nullptr;
  WeakSlots* list = nullptr;
};

Call readCall(napi_env env, napi_callback_info info) {
  Call call;
  void* data = nullptr;
  napi_get_cb_info(env, info, &call.argc, call.argv, nullptr, &data);
  call.environment = static_cast<Environment*>(data);
  int64_t number = -1;
  auto& lists = call.environment->weakLists;
  if (call.argc > 0 && napi_get_value_int64(env, call.argv[0], &number) == napi_ok && number >= 0 &&
      number < static_cast<int64_t>(lists.size())) {
    call.list = &lists[static_cast<size_t>(number)];
  }
  return call;
}

napi_value fail(napi_env env, const char* message) {
  return throwNative(env, "ERR_NATIVE_ARGUMENT", message);
}

napi_value toNumber(napi_env env, int32_t number) {
  napi_value value = nullptr;
  napi_create_int32(env, number, &value);
  return value;
}

// What a weak reference refers to, or null when that is dead.
napi_value targetOf(napi_env env, napi_ref ref) {
  napi_value value = nullptr;
  napi_get_reference_value(env, ref, &value);
  return value;
}

}  // namespace

bool WeakSlots::watch(napi_env env, napi_value value, int32_t* slot) {
  napi_ref ref = nullptr;
  bool isView = false;
  if (napi_is_typedarray(env, value, &isView) != napi_ok || !isView) return false;
  if (napi_create_reference(env, value, 0, &ref) != napi_ok) return false;
  if (!canary_) renewCanary(env);
  if (free_.empty()) {
    *slot = static_cast<int32_t>(refs_.size());
    refs_.push_back(ref);
  } else {
    *slot = free_.back();
    free_.pop_back();
    refs_[static_cast<size_t>(*slot)] = ref;
  }
  return true;
}

bool WeakSlots::unwatch(napi_env env, int64_t slot) {
  if (slot < 0 || slot >= static_cast<int64_t>(refs_.size())) return false;
  napi_ref& ref = refs_[static_cast<size_t>(slot)];
  if (!ref) return false;
  napi_delete_reference(env, ref);
  ref = nullptr;
  free_.push_back(static_cast<int32_t>(slot));
  return true;
}

int32_t WeakSlots::collect(napi_env env, int32_t* dead, size_t capacity) {
  if (!collectionSince(env)) return -1;
  size_t count = 0;
  for (size_t i = 0; i < refs_.size(); ++i) {
    if (!refs_[i] || targetOf(env, refs_[i])) continue;
    // Not all fit: the canary stays dead, so that the next call goes on.
    if (count == capacity) return static_cast<int32_t>(count);
    dead[count++] = static_cast<int32_t>(i);
    unwatch(env, static_cast<int64_t>(i));
  }
  renewCanary(env);
  return static_cast<int32_t>(count);
}

bool WeakSlots::collectionSince(napi_env env) { return canary_ && !targetOf(env, canary_); }

void WeakSlots::renewCanary(napi_env env) {
  if (canary_) napi_delete_reference(env, canary_);
  canary_ = nullptr;
  napi_value object = nullptr;
  if (napi_create_object(env, &object) == napi_ok) {
    napi_create_reference(env, object, 0, &canary_);
  }
}

napi_value newWeakList(napi_env env, napi_callback_info info) {
  auto& lists = readCall(env, info).environment->weakLists;
  lists.emplace_back();
  return toNumber(env, static_cast<int32_t>(lists.size()) - 1);
}

napi_value watchObject(napi_env env, napi_callback_info info) {
  Call call = readCall(env, info);
  int32_t slot = 0;
  if (!call.list || call.argc != 2 || !call.list->watch(env, call.argv[1], &slot)) {
    return fail(env, "watch takes a list and a typed array");
  }
  return toNumber(env, slot);
}

napi_value unwatchSlot(napi_env env, napi_callback_info info) {
  Call call = readCall(env, info);
  int64_t slot = 0;
  if (!call.list || call.argc != 2 || napi_get_value_int64(env, call.argv[1], &slot) != napi_ok ||
      !call.list->unwatch(env, slot)) {
    return fail(env, "unwatch takes a list and a slot of it that is in use");
  }
  return nullptr;
}

napi_value collectDead(napi_env env, napi_callback_info info) {
  Call call = readCall(env, info);
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* data = nullptr;
  if (!call.list || call.argc != 2 ||
      napi_get_typedarray_info(env, call.argv[1], &type, &length, &data, nullptr, nullptr) !=
          napi_ok ||
      type != napi_int32_array) {
    return fail(env, "collect takes a list and an Int32Array");
  }
  return toNumber(env, call.list->collect(env, static_cast<int32_t*>(data), length));
}

napi_value collectYoung(napi_env env, napi_callback_info info) {
  const Call call = readCall(env, info);
  void* data = nullptr;
  size_t length = 0;
  bool detachable = false;
  if (call.argc != 1 || napi_is_arraybuffer(env, call.argv[0], &detachable) != napi_ok ||
      !detachable || napi_get_arraybuffer_info(env, call.argv[0], &data, &length) != napi_ok) {
    return fail(env, "collectYoung takes an ArrayBuffer");
  }
  // V8 counts the bytes of array buffers a second time, as external memory of the old generation,
  // looks at that number at the end of a collection and goes on to collect the whole heap when it
  // has grown. So the buffer's bytes are taken out meanwhile, and put back before they go for good:
  // growth is counted from the least that the number was.
  const int64_t bytes = static_cast<int64_t>(length);
  int64_t total = 0;
  napi_adjust_external_memory(env, -bytes, &total);
  napi_value next = nullptr;
  napi_create_arraybuffer(env, 1, &data, &next);  // where V8 looks whether to collect
  napi_adjust_external_memory(env, bytes, &total);
  // What is left to the sweeper counts until that has been, on another thread.
  napi_detach_arraybuffer(env, call.argv[0]);
  return nullptr;
}

}  // namespace tilegrad
