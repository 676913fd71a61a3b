#include "program.h"

namespace tilegrad {

const char* describe(Status status) {
  return status == Status::outOfMemory ? "out of memory" : "an index is outside its dimension";
}

int Program::arrayIndex(napi_env env, const ArrayView& view) {
  // Two views of the same memory are one array: the references keep the memory from being reused
  // for another array as long as the program lives.
  for (size_t i = 0; i < arrays_.size(); ++i) {
    if (arrays_[i].data == view.data && arrays_[i].length == view.length)
      return static_cast<int>(i);
  }
  napi_ref ref = nullptr;
  napi_create_reference(env, view.value, 1, &ref);
  arrays_.push_back({ref, static_cast<char*>(view.data), view.length});
  return static_cast<int>(arrays_.size()) - 1;
}

void Program::add(napi_env env, const Row& row, const Command& command, const ArrayView* views,
                  int count) {
  Step step;
  step.row = &row;
  step.command = command;
  for (int i = 0; i < kMaxOperands; ++i) {
    step.array[i] = -1;
    step.byteOffset[i] = 0;
    if (i >= count || !views[i].data) continue;
    step.array[i] = arrayIndex(env, views[i]);
    step.byteOffset[i] = static_cast<char*>(command.data[i]) - static_cast<char*>(views[i].data);
  }
  commands_.push_back(step);
}

const char* Program::replay(napi_env env) {
  napi_handle_scope scope;
  napi_open_handle_scope(env, &scope);
  const char* problem = nullptr;
  for (Array& array : arrays_) {
    napi_value value = nullptr;
    void* data = nullptr;
    size_t length = 0;
    napi_get_reference_value(env, array.ref, &value);
    if (!value || napi_get_typedarray_info(env, value, nullptr, &length, &data, nullptr, nullptr) !=
                      napi_ok) {
      problem = "an array of the program can't be read";
    } else if (length < array.length) {
      problem = "an array of the program was detached or has shrunk";
    }
    if (problem) break;
    array.data = static_cast<char*>(data);
  }
  napi_close_handle_scope(env, scope);
  if (problem) return problem;

  for (Step& step : commands_) {
    for (int i = 0; i < kMaxOperands; ++i) {
      if (step.array[i] >= 0) {
        step.command.data[i] =
            arrays_[static_cast<size_t>(step.array[i])].data + step.byteOffset[i];
      }
    }
    const Status status = step.row->run(step.command);
    if (status != Status::ok) return describe(status);
  }
  return nullptr;
}

void Program::release(napi_env env) {
  for (const Array& array : arrays_) napi_delete_reference(env, array.ref);
  arrays_.clear();
  commands_.clear();
}

}  // namespace tilegrad
