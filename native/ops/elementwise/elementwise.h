// What other families use of the elementwise operations.
#pragma once
#include "../command.h"

namespace tilegrad {

// Copies operand 0 to operand 1, which have the command's geometry and one floating type.
Status copyElements(const Command& c);

}  // namespace tilegrad
