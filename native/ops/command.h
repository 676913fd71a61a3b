// A command: one native operation with its arguments resolved to pointers and numbers. It is plain
// data, so it can be run at once or kept in a program and run again.
#pragma once
#include "../base/types.h"

namespace tilegrad {

constexpr int kMaxOperands = 9;
constexpr int kMaxNumbers = 24;
constexpr int kMaxRank = 8;  // as many dimensions as the tensor layer allows

union Number {
  int64_t i;  // size, stride, int
  double f;   // real
};

// Shape and strides (in elements) shared by the operands of an N-dimensional row.
struct Geometry {
  int32_t rank;
  int64_t shape[kMaxRank];
  int64_t stride[kMaxOperands][kMaxRank];  // by operand
};

struct Command {
  // Operands in the order of the row's signature, offsets applied; null for an absent optional one.
  void* data[kMaxOperands];
  DType type[kMaxOperands];
  Number number[kMaxNumbers];  // in the order of the row's signature
  Geometry geometry;           // only for rows whose operands are written with [@]
};

// What running a command can report. Arguments were checked before; what is left are resources and
// what only the elements show: divisors, and indices, which are read before anything is written.
enum class Status : uint8_t { ok, outOfMemory, zeroDivisor, badIndex };

// What to tell of a status that isn't ok.
inline const char* problemOf(Status status) {
  switch (status) {
    case Status::outOfMemory:
      return "out of memory";
    case Status::zeroDivisor:
      return "division by zero";
    default:
      return "an index is outside its dimension";
  }
}

// One native operation. The signature names every argument and says how far each operand reaches,
// so one trampoline can check any row (the grammar is in native/addon/signature.h). `check` adds
// what extents can't say (an option's range); it returns null or what is wrong.
struct Row {
  const char* name;
  const char* signature;
  Status (*run)(const Command&);
  const char* (*check)(const Command&);
};

// A family's rows: native/ops/<family>.cpp defines them, native/addon/table.cpp lists them.
struct RowList {
  const Row* rows;
  int count;
};

}  // namespace tilegrad
