// SPDX-License-Identifier: Apache-2.0
// The equation of add_row.h in double, and the cases of its tests.
#pragma once

#include <cstdint>
#include <vector>

namespace assay::kernels {

struct AddRowCase {
  int64_t rows, cols;
};

// Columns around the vector widths and around the threads of a block along a row; rows enough for several blocks.
inline const std::vector<AddRowCase> kAddRowCases = {{0, 4},   {4, 0},  {1, 1},   {300, 1}, {5, 3},
                                                     {7, 4},   {9, 8},  {3, 15},  {2, 16},  {4, 17},
                                                     {33, 31}, {6, 33}, {5, 256}, {3, 260}, {2, 1031}};

inline double add_row_ref(double y, double offset) { return y + offset; }

}  // namespace assay::kernels
