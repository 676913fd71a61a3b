// The module as JavaScript sees it (lib/native/binding.ts has the types):
//   rows, signatures         every operation's number for `call`, and its signature's text
//   call(...operands)        runs a row: see callRow in trampoline.h
//   attach(params)           gives the environment's parameter block, returns the one in use
//   simdLevel() setSimdLevel(name) simdLevels()
//   bf16Instruction()        whether bfloat16 products use the CPU's instruction for them
//   allowBf16Instruction(on) turns that off or on, for tests
//   dotProduct() setDotProduct(wanted)    whether the level's instruction for bytes is used
//   numThreads() setNumThreads(count)
//   misalignment(array)      bytes from the last 64-byte boundary to the array's first element
//   newWeakList() watch(list, array) unwatch(list, slot) collect(list, dead)
//   collectYoung(buffer)     these see weak.h
//   beginRecord() endRecord() abandonRecord() replay(program)
// Set-up only; what runs per operation is in trampoline.cpp.
#include <napi.h>

#include <memory>
#include <string>

#include "../base/freed_memory.h"
#include "../base/cpu.h"
#include "../base/thread_pool.h"
#include "../ops/dispatch.h"
#include "../ops/product/gemm_bf16.h"
#include "table.h"
#include "trampoline.h"

namespace tilegrad {
namespace {

// Marks the objects that endRecord made, so that replay takes no other (two random 64-bit words).
constexpr napi_type_tag kProgramTag = {0x6d1f5f0c2f3f4b0bULL, 0xa3c9b6f09f1f4f7dULL};

// One per environment, owned by the instance data.
struct Instance {
  Environment environment;
};

Napi::Value fail(napi_env env, const std::string& message) {
  throwNative(env, "ERR_NATIVE_ARGUMENT", message);
  return Napi::Value();
}

Environment& environmentOf(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return static_cast<Instance*>(data)->environment;
}

Napi::Value attach(const Napi::CallbackInfo& info) {
  Environment& environment = environmentOf(info.Env());
  if (environment.params) {
    // A second copy of the library in this environment shares the first one's block.
    napi_value block = nullptr;
    napi_get_reference_value(info.Env(), environment.paramsRef, &block);
    return Napi::Value(info.Env(), block);
  }
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  napi_value buffer = nullptr;
  if (info.Length() != 1 ||
      napi_get_typedarray_info(info.Env(), info[0], &type, &length, &data, &buffer, nullptr) !=
          napi_ok ||
      type != napi_float64_array || length < static_cast<size_t>(kMaxParams)) {
    return fail(info.Env(), "attach takes a Float64Array of " + std::to_string(kMaxParams));
  }
  bool detachable = true;
  napi_is_arraybuffer(info.Env(), buffer, &detachable);
  if (detachable) return fail(info.Env(), "the parameter block must be a SharedArrayBuffer");
  napi_create_reference(info.Env(), info[0], 1, &environment.paramsRef);
  environment.params = static_cast<const double*>(data);
  return info[0];
}

Napi::Value simdLevel(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), levelName(currentLevel()));
}

Napi::Value setSimdLevel(const Napi::CallbackInfo& info) {
  Level level;
  if (info.Length() != 1 || !info[0].IsString() ||
      !parseLevel(info[0].As<Napi::String>().Utf8Value().c_str(), &level) || !setLevel(level)) {
    return fail(info.Env(), "setSimdLevel takes the name of a level that this machine has");
  }
  return info.Env().Undefined();
}

Napi::Value simdLevels(const Napi::CallbackInfo& info) {
  Napi::Array levels = Napi::Array::New(info.Env());
  for (int i = 0; i < kLevelCount; ++i) {
    const Level level = static_cast<Level>(i);
    if (levelAvailable(level)) levels.Set(levels.Length(), levelName(level));
  }
  return levels;
}

Napi::Value usesBf16Instruction(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), bf16Instruction());
}

Napi::Value changeBf16Instruction(const Napi::CallbackInfo& info) {
  if (info.Length() != 1 || !info[0].IsBoolean()) return fail(info.Env(), "takes a boolean");
  allowBf16Instruction(info[0].As<Napi::Boolean>().Value());
  return info.Env().Undefined();
}

Napi::Value usesDotProduct(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), dotProduct());
}

Napi::Value changeDotProduct(const Napi::CallbackInfo& info) {
  if (info.Length() != 1 || !info[0].IsBoolean() ||
      !setDotProduct(info[0].As<Napi::Boolean>().Value())) {
    return fail(info.Env(),
                "setDotProduct takes a boolean, true where the CPU has the instruction");
  }
  return info.Env().Undefined();
}

Napi::Value getNumThreads(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), numThreads());
}

Napi::Value changeNumThreads(const Napi::CallbackInfo& info) {
  if (info.Length() != 1 || !info[0].IsNumber()) return fail(info.Env(), "takes a number");
  const double count = info[0].As<Napi::Number>().DoubleValue();
  if (!(count >= 1 && count <= kMaxThreads))
    return fail(info.Env(), "takes a number from 1 to 256");
  setNumThreads(static_cast<int>(count));
  return info.Env().Undefined();
}

Napi::Value misalignment(const Napi::CallbackInfo& info) {
  constexpr uintptr_t kLine = 64;  // a cache line, and one AVX-512 register
  void* data = nullptr;
  if (info.Length() != 1 || napi_get_typedarray_info(info.Env(), info[0], nullptr, nullptr, &data,
                                                     nullptr, nullptr) != napi_ok) {
    return fail(info.Env(), "misalignment takes a typed array");
  }
  return Napi::Number::New(info.Env(),
                           static_cast<double>(reinterpret_cast<uintptr_t>(data) % kLine));
}

Napi::Value beginRecord(const Napi::CallbackInfo& info) {
  Environment& environment = environmentOf(info.Env());
  if (environment.recording) return fail(info.Env(), "a program is being recorded already");
  environment.recording = std::make_unique<Program>();
  return info.Env().Undefined();
}

Napi::Value abandonRecord(const Napi::CallbackInfo& info) {
  Environment& environment = environmentOf(info.Env());
  if (environment.recording) environment.recording->release(info.Env());
  environment.recording.reset();
  return info.Env().Undefined();
}

void finalizeProgram(napi_env env, void* data, void*) {
  Program* program = static_cast<Program*>(data);
  program->release(env);
  delete program;
}

Napi::Value endRecord(const Napi::CallbackInfo& info) {
  const napi_env env = info.Env();
  Environment& environment = environmentOf(env);
  if (!environment.recording) return fail(env, "no program is being recorded");
  napi_value object = nullptr;
  napi_create_object(env, &object);
  Program* program = environment.recording.release();
  napi_wrap(env, object, program, finalizeProgram, nullptr, nullptr);
  napi_type_tag_object(env, object, &kProgramTag);
  return Napi::Value(env, object);
}

Napi::Value replay(const Napi::CallbackInfo& info) {
  const napi_env env = info.Env();
  bool ours = false;
  void* data = nullptr;
  if (info.Length() != 1 || !info[0].IsObject() ||
      napi_check_object_type_tag(env, info[0], &kProgramTag, &ours) != napi_ok || !ours ||
      napi_unwrap(env, info[0], &data) != napi_ok) {
    return fail(env, "replay takes a program that endRecord returned");
  }
  if (environmentOf(env).recording) return fail(env, "a program can't be replayed while recording");
  const char* problem = static_cast<Program*>(data)->replay(env);
  if (problem) return fail(env, std::string("[replay] ") + problem);
  return info.Env().Undefined();
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* instance = new Instance();
  napi_set_instance_data(
      env, instance,
      [](napi_env finalEnv, void* data, void*) {
        Instance* dying = static_cast<Instance*>(data);
        if (dying->environment.recording) dying->environment.recording->release(finalEnv);
        delete dying;
      },
      nullptr);

  keepFreedMemory();
  Napi::Object rows = Napi::Object::New(env), signatures = Napi::Object::New(env);
  std::vector<BoundRow>& bound = instance->environment.rows;
  for (const Row* row : allRows()) {
    rows.Set(row->name, Napi::Number::New(env, static_cast<double>(bound.size())));
    signatures.Set(row->name, row->signature);
    bound.push_back({row, {}});
    const std::string problem = parseSignature(row->signature, &bound.back().signature);
    if (!problem.empty()) {
      fail(env, std::string("the signature of ") + row->name + ": " + problem);
      return exports;
    }
  }
  const struct {
    const char* name;
    napi_callback function;
  } callbacks[] = {
      {"call", callRow},        {"newWeakList", newWeakList}, {"watch", watchObject},
      {"unwatch", unwatchSlot}, {"collect", collectDead},     {"collectYoung", collectYoung},
  };
  for (const auto& entry : callbacks) {
    napi_value function = nullptr;
    napi_create_function(env, entry.name, NAPI_AUTO_LENGTH, entry.function, &instance->environment,
                         &function);
    exports.Set(entry.name, Napi::Value(env, function));
  }
  exports.Set("rows", rows);
  exports.Set("signatures", signatures);

  const struct {
    const char* name;
    Napi::Value (*function)(const Napi::CallbackInfo&);
  } functions[] = {
      {"attach", attach},
      {"simdLevel", simdLevel},
      {"setSimdLevel", setSimdLevel},
      {"simdLevels", simdLevels},
      {"bf16Instruction", usesBf16Instruction},
      {"allowBf16Instruction", changeBf16Instruction},
      {"dotProduct", usesDotProduct},
      {"setDotProduct", changeDotProduct},
      {"numThreads", getNumThreads},
      {"setNumThreads", changeNumThreads},
      {"misalignment", misalignment},
      {"beginRecord", beginRecord},
      {"endRecord", endRecord},
      {"abandonRecord", abandonRecord},
      {"replay", replay},
  };
  for (const auto& entry : functions) {
    exports.Set(entry.name, Napi::Function::New(env, entry.function, entry.name));
  }
  return exports;
}

}  // namespace
}  // namespace tilegrad

static Napi::Object initModule(Napi::Env env, Napi::Object exports) {
  return tilegrad::init(env, exports);
}

NODE_API_MODULE(tilegrad, initModule)
