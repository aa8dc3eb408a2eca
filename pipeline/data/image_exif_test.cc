// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/image_exif.h"

#include <doctest/doctest.h>

#include <vector>

namespace assay::data {
namespace {

using Bytes = std::vector<uint8_t>;

// Big-endian, one entry: orientation 6.
const Bytes kBlock = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0};

TEST_CASE("the orientation is read, and is 1 where the block is cut anywhere") {
  CHECK(exif_orientation(kBlock) == 6);
  for (size_t size = 0; size < kBlock.size(); ++size) {
    INFO(size);
    CHECK(exif_orientation(ByteView(kBlock).part(0, size)) == 1);
  }
}

TEST_CASE("an orientation that makes no sense counts as none") {
  const auto with = [](size_t at, uint8_t value) {
    Bytes block = kBlock;
    block.at(at) = value;
    return exif_orientation(block);
  };
  CHECK(with(19, 0) == 1);
  CHECK(with(19, 9) == 1);
  CHECK(with(13, 4) == 1);     // not a SHORT
  CHECK(with(4, 255) == 1);    // a directory past the end
  CHECK(with(8, 255) == 6);    // more entries than there are, after the one that counts
  CHECK(with(11, 0x11) == 1);  // another tag
  CHECK(with(0, 'X') == 1);
}

}  // namespace
}  // namespace assay::data
