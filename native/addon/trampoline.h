// From a JavaScript call to a checked command.
#pragma once
#include <node_api.h>

#include <memory>
#include <string>

#include "program.h"
#include "signature.h"

namespace tilegrad {

// Numbers of one call: offsets of the operands, the row's numbers, and for rows with a geometry its
// rank, shape and one list of strides per [@] operand. JavaScript writes them into this block,
// which lives in a SharedArrayBuffer: it can be neither detached nor moved.
constexpr int kMaxParams = kMaxOperands + kMaxNumbers + 1 + kMaxRank + kMaxOperands * kMaxRank;

// The addon's state in one JavaScript environment (the main thread or a worker).
struct Environment {
  const double* params = nullptr;
  napi_ref paramsRef = nullptr;        // keeps the block alive
  std::unique_ptr<Program> recording;  // the program being recorded, if any
};

// A row of the table as a JavaScript function of one environment.
struct BoundRow {
  const Row* row;
  Signature signature;
  Environment* environment;
};

// The function behind every row; its callback data is the BoundRow. Called with the operands' typed
// arrays (null for an absent optional one) in the order of the signature, numbers in the block; an
// only array is that of all operands.
// Runs the command, and records it too while a program is being recorded. Throws Error with a code:
// ERR_NATIVE_ARGUMENT for arguments that do not fit (also elements, such as a divisor of 0),
// ERR_NATIVE_INDEX for an index in memory that is outside its dimension, ERR_NATIVE_MEMORY when
// memory ran out.
napi_value callRow(napi_env env, napi_callback_info info);

// Throws an Error with a code; returns null for the caller to return.
napi_value throwNative(napi_env env, const char* code, const std::string& message);

}  // namespace tilegrad
