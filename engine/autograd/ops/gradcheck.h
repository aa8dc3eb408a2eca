// SPDX-License-Identifier: Apache-2.0
// Holds an operation's gradients against central differences of its equation in double.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/autograd/tape.h"

namespace assay::autograd::testing {

using Doubles = std::vector<double>;

// An operation on inputs that are far from its kinks.
struct GradExample {
  std::string name;
  std::vector<Shape> shapes;
  std::vector<std::vector<float>> values;                        // of each input
  std::function<Var(const std::vector<Var>&)> run;               // one output
  std::function<Doubles(const std::vector<Doubles>&)> equation;  // the output's elements
};

// Random values in -2 .. 2 but for a gap around zero, where activations have their kink.
std::vector<float> random_values(int64_t count, uint32_t seed);
GradExample example(std::string name, const std::vector<Shape>& shapes, std::function<Var(const std::vector<Var>&)> run,
                    std::function<Doubles(const std::vector<Doubles>&)> equation);

// Checks with doctest: the output; gradients of all inputs together, of each alone, added to what another use of the
// input gives, with one value for two inputs of one shape, and through a checkpoint (the same bits).
void check_gradients(const GradExample& example);

}  // namespace assay::autograd::testing
