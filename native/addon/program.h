// A program: commands recorded while they ran, to be run again without JavaScript.
#pragma once
#include <node_api.h>

#include <string>
#include <vector>

#include "../ops/command.h"

namespace tilegrad {

// One typed array as a call passed it.
struct ArrayView {
  napi_value value;
  void* data;
  size_t length;  // elements
  DType type;
};

// What a status other than ok means, for messages.
const char* describe(Status status);

class Program {
 public:
  // Appends a command whose operand k was read from views[k] (data null for an absent operand).
  // Takes strong references to arrays that the program doesn't hold yet.
  void add(napi_env env, const Row& row, const Command& command, const ArrayView* views, int count);

  // Runs all commands in order. Arrays are looked up again first, so that one that was detached or
  // shrunk since is an error and not a dangling pointer. Returns null, or what is wrong.
  const char* replay(napi_env env);

  // Gives the references back; the program is empty afterwards.
  void release(napi_env env);

  size_t size() const { return commands_.size(); }

 private:
  struct Array {
    napi_ref ref;
    char* data;  // where it was last seen
    size_t length;
  };
  struct Step {
    const Row* row;
    Command command;
    int array[kMaxOperands];  // index into arrays_, -1 for none
    int64_t byteOffset[kMaxOperands];
  };

  int arrayIndex(napi_env env, const ArrayView& view);

  std::vector<Step> commands_;
  std::vector<Array> arrays_;
};

}  // namespace tilegrad
