// SPDX-License-Identifier: Apache-2.0
#include "models/features/packed_cells.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/test_device.h"

namespace assay::models {
namespace {

using testing::tensor_of;
using testing::values_of;

std::vector<float> counted(int64_t count) {
  std::vector<float> v;
  for (int64_t i = 0; i < count; ++i) v.push_back(static_cast<float>(i));
  return v;
}

TEST_CASE("a row holds the finer cells that lie within its own, row by row") {
  // Two rows of four cells of one channel: 0 1 2 3 above 4 5 6 7.
  const Tensor packed = pack_cells(tensor_of<float>({1, 2, 4, 1}, counted(8)), 2);
  CHECK(packed.shape() == Shape{2, 4});
  CHECK(values_of<float>(packed) == std::vector<float>{0, 1, 4, 5, 2, 3, 6, 7});
}

TEST_CASE("what was packed comes back from its columns, at any factor and place") {
  const int64_t batch = 2, height = 3, width = 2;
  for (const int64_t factor : {1, 2, 4}) {
    for (const int64_t channels : {1, 3}) {
      CAPTURE(factor);
      const Shape shape = {batch, height * factor, width * factor, channels};
      const std::vector<float> cells = counted(num_elements(shape));
      const Tensor packed = pack_cells(tensor_of<float>(shape, cells), factor);
      const int64_t columns = factor * factor * channels;
      REQUIRE(packed.shape() == Shape{batch * height * width, columns});
      const Tensor back = unpack_cells(packed, batch, height, width, {0, channels, factor});
      CHECK(back.shape() == shape);
      CHECK(values_of<float>(back) == cells);
      // Between other columns.
      const std::vector<float> own = values_of<float>(packed);
      std::vector<float> wide;
      for (int64_t r = 0; r < packed.dim(0); ++r) {
        wide.insert(wide.end(), {-1, -2});
        wide.insert(wide.end(), own.begin() + r * columns, own.begin() + (r + 1) * columns);
        wide.push_back(-3);
      }
      const Tensor rows = tensor_of<float>({packed.dim(0), columns + 3}, wide);
      CHECK(values_of<float>(unpack_cells(rows, batch, height, width, {2, channels, factor})) == cells);
    }
  }
}

TEST_CASE("cells that cannot be packed, or are not there, are refused") {
  CHECK_THROWS_WITH(pack_cells(tensor_of<float>({1, 2, 3, 1}, counted(6)), 2),
                    "pack_cells: cells have shape (1, 2, 3, 1), expected (B, H, W, C) with sides of 2 and multiples");
  const Tensor rows = tensor_of<float>({2, 5}, counted(10));
  CHECK_THROWS_WITH(unpack_cells(rows, 1, 2, 1, {2, 1, 2}),
                    "unpack_cells: rows have shape (2, 5), expected 2 with 4 columns from 2");
  CHECK_THROWS_AS(unpack_cells(rows, 1, 3, 1, {0, 1, 2}), Error);
}

}  // namespace
}  // namespace assay::models
