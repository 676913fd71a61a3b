// The families of native operations. Each list is defined by the file of its name, beside the
// functions that it points to.
#pragma once
#include <initializer_list>

#include "command.h"

namespace tilegrad {

RowList elementwiseRows();
RowList blockRows();
RowList compareRows();
RowList convRows();
RowList copyRows();
RowList dotRows();
RowList integerRows();
RowList gemmRows();
RowList histogramRows();
RowList gemmBf16Rows();
RowList int8Rows();
RowList reduceRows();
RowList integerReduceRows();
RowList argRows();
RowList attentionRows();
RowList scanRows();
RowList softmaxRows();
RowList crossEntropyRows();
RowList crossRows();
RowList ctcRows();
RowList leastSquaresRows();
RowList linalgOrthogonalRows();
RowList linalgSolveRows();
RowList normRows();
RowList batchNormRows();
RowList randomRows();
RowList samplingRows();
RowList poissonRows();
RowList poolRows();
RowList resampleRows();
RowList optimizerRows();
RowList recurrentRows();
RowList ternaryRows();
RowList gradientRows();
RowList gatherRows();
RowList scatterRows();
RowList kthRows();
RowList sortRows();
RowList selectRows();
RowList uniqueRows();

// Calls f(list) for every family.
template <class F>
void eachFamily(const F& f) {
  for (const RowList& family : {argRows(),           attentionRows(),
                                batchNormRows(),     blockRows(),
                                compareRows(),       convRows(),
                                copyRows(),          crossEntropyRows(),
                                crossRows(),         ctcRows(),
                                dotRows(),           elementwiseRows(),
                                gatherRows(),        gemmBf16Rows(),
                                gemmRows(),          gradientRows(),
                                histogramRows(),     int8Rows(),
                                integerReduceRows(), integerRows(),
                                kthRows(),           linalgOrthogonalRows(),
                                leastSquaresRows(),  linalgSolveRows(),
                                normRows(),          optimizerRows(),
                                poissonRows(),       poolRows(),
                                randomRows(),        recurrentRows(),
                                reduceRows(),        resampleRows(),
                                samplingRows(),      scanRows(),
                                scatterRows(),       selectRows(),
                                softmaxRows(),       sortRows(),
                                ternaryRows(),       uniqueRows()}) {
    f(family);
  }
}

// The length of an array of rows, as a list.
template <int count>
constexpr RowList rowList(const Row (&rows)[count]) {
  return {rows, count};
}

}  // namespace tilegrad
