// The rows of all families of native operations.
#pragma once
#include "command.h"

namespace tilegrad {

#define TG_FAMILY(name) RowList name##Rows();
#include "families.inc"
#undef TG_FAMILY

// Calls f(list) for every family.
template <class F>
void eachFamily(const F& f) {
#define TG_FAMILY(name) name##Rows(),
  const RowList families[] = {
#include "families.inc"
  };
#undef TG_FAMILY
  for (const RowList& family : families) f(family);
}

// The length of an array of rows, as a list.
template <int count>
constexpr RowList rowList(const Row (&rows)[count]) {
  return {rows, count};
}

}  // namespace tilegrad
