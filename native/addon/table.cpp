#include "table.h"

#include "../ops/rows.h"

namespace tilegrad {

const std::vector<const Row*>& allRows() {
  // On the heap and never freed: workers may still run when static destructors do.
  static const std::vector<const Row*>* const table = [] {
    auto* rows = new std::vector<const Row*>();
    for (const RowList& family : {elementwiseRows(), copyRows(), gemmRows(), gemmBf16Rows(),
                                  int8Rows(), reduceRows(), softmaxRows(), crossEntropyRows(),
                                  normRows(), batchNormRows(), randomRows(), optimizerRows()}) {
      for (int i = 0; i < family.count; ++i) rows->push_back(&family.rows[i]);
    }
    return rows;
  }();
  return *table;
}

}  // namespace tilegrad
