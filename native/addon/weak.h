// Which objects the garbage collector has found dead: JavaScript asks, nobody is called back.
#pragma once
#include <node_api.h>

#include <vector>

namespace tilegrad {

// Weak references in numbered slots. A collection of the young generation alone clears those of
// young objects too, which a WeakRef or a FinalizationRegistry of JavaScript waits for until the
// whole heap is collected. Node deletes what is left when the environment ends.
class WeakSlots {
 public:
  // Takes a weak reference to a typed array and sets the number of its slot. False for a value of
  // another kind.
  bool watch(napi_env env, napi_value value, int32_t* slot);

  // Frees a slot before its object is dead. False when there is no such slot.
  bool unwatch(napi_env env, int64_t slot);

  // Frees the slots of dead objects and writes their numbers to `dead`, `capacity` at most; returns
  // how many, or -1 when there was no collection since the last call that found them all. Cheap
  // then: one reference is looked at.
  int32_t collect(napi_env env, int32_t* dead, size_t capacity);

 private:
  bool collectionSince(napi_env env);
  void renewCanary(napi_env env);

  std::vector<napi_ref> refs_;  // null in a free slot
  std::vector<int32_t> free_;
  napi_ref canary_ = nullptr;  // to an object that nobody has: the first collection clears it
};

// The functions that JavaScript sees; their callback data is the Environment. Several copies of the
// library in one environment have lists of their own. They throw ERR_NATIVE_ARGUMENT for arguments
// that do not fit.
napi_value newWeakList(napi_env env, napi_callback_info info);  // () -> list
napi_value watchObject(napi_env env, napi_callback_info info);  // (list, typed array) -> slot
napi_value unwatchSlot(napi_env env, napi_callback_info info);  // (list, slot)
// (list, Int32Array) -> how many slots' numbers were written to it, see collect
napi_value collectDead(napi_env env, napi_callback_info info);

// (ArrayBuffer): makes V8 collect the young generation if its array buffers, of which this is one,
// have the bytes for it (see lib/tensor/reclaim.ts), and detaches the buffer.
napi_value collectYoung(napi_env env, napi_callback_info info);

}  // namespace tilegrad
