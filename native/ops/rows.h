// The families of native operations. Each list is defined by the file of its name, beside the
// functions that it points to.
#pragma once
#include "command.h"

namespace tilegrad {

RowList elementwiseRows();
RowList copyRows();
RowList gemmRows();
RowList gemmBf16Rows();
RowList int8Rows();
RowList reduceRows();
RowList softmaxRows();
RowList crossEntropyRows();
RowList normRows();
RowList batchNormRows();
RowList randomRows();
RowList optimizerRows();

// The length of an array of rows, as a list.
template <int count>
constexpr RowList rowList(const Row (&rows)[count]) {
  return {rows, count};
}

}  // namespace tilegrad
