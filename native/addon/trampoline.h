// From a JavaScript call to a checked command.
#pragma once
#include <node_api.h>

#include <memory>
#include <string>
#include <vector>

#include "program.h"
#include "signature.h"
#include "weak.h"

namespace tilegrad {

// Numbers of one call: offsets of the operands, the row's numbers, and for rows with a geometry its
// rank, shape and one list of strides per [@] operand. JavaScript writes them into this block,
// which lives in a SharedArrayBuffer: it can be neither detached nor moved. The last number is for
// calls with fewer arrays than operands: which array each operand lies in, kWhichBits for each, the
// first operand's lowest; kAbsent for an optional one that isn't there.
constexpr int kWhich = kMaxOperands + kMaxNumbers + 1 + kMaxRank + kMaxOperands * kMaxRank;
constexpr int kRow = kWhich + 1;  // which row is called, by its place in the table
constexpr int kMaxParams = kRow + 1;
constexpr int kWhichBits = 4;
constexpr size_t kAbsent = 15;
static_assert(kMaxOperands < static_cast<int>(kAbsent) && kMaxOperands * kWhichBits < 53,
              "the number has a place for each operand, and is exact in a double");

// A row of the table, with its signature parsed.
struct BoundRow {
  const Row* row;
  Signature signature;
};

// The addon's state in one JavaScript environment (the main thread or a worker).
struct Environment {
  std::vector<BoundRow> rows;
  const double* params = nullptr;
  napi_ref paramsRef = nullptr;        // keeps the block alive
  std::unique_ptr<Program> recording;  // the program being recorded, if any
  std::vector<WeakSlots> weakLists;    // one for each copy of the library
};

// The function that calls every row; its callback data is the Environment. One function, and the
// row as a number: V8 calls a function that it knows 30 ns faster than one of many. Called with the
// operands' typed arrays (null for an absent optional one) in the order of the signature, numbers
// in the block; or with each array once and the number at kWhich, since asking what an array is
// takes 30 ns and small tensors lie together in slabs. Runs the command, and records it too while a
// program is being recorded. Throws Error with a code: ERR_NATIVE_ARGUMENT for arguments that do
// not fit (also elements, such as a divisor of 0), ERR_NATIVE_INDEX for an index in memory that is
// outside its dimension, ERR_NATIVE_MEMORY when memory ran out.
napi_value callRow(napi_env env, napi_callback_info info);

// Throws an Error with a code; returns null for the caller to return.
napi_value throwNative(napi_env env, const char* code, const std::string& message);

}  // namespace tilegrad
