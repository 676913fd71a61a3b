// The table of operations: every row of every family.
#pragma once
#include <vector>

#include "../ops/command.h"

namespace tilegrad {

// All rows, family by family. Names are unique.
const std::vector<const Row*>& allRows();

}  // namespace tilegrad
