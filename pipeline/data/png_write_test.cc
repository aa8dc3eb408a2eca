// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/png_write.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "pipeline/data/image.h"
#include "tests/support/temporary_folder.h"

namespace assay::data {
namespace {

Tensor gradient(const Shape& shape) {
  Tensor t = Tensor::empty<uint8_t>(shape, "test");
  for (int64_t i = 0; i < t.size(); ++i) t.data<uint8_t>()[i] = static_cast<uint8_t>(i * 31 % 251);
  return t;
}

TEST_CASE("a written PNG decodes to the same pixels") {
  const testing::TemporaryFolder folder;
  for (const Shape& shape : {Shape{1, 1, 3}, Shape{7, 5, 3}, Shape{300, 200, 3}}) {
    const Tensor pixels = gradient(shape);
    REQUIRE(write_png(folder / "x.png", pixels).ok());
    const Image image = read_image(folder / "x.png").value();
    CHECK(image.pixels.shape() == shape);
    CHECK(std::memcmp(image.pixels.raw(), pixels.raw(), pixels.bytes()) == 0);
  }
}

TEST_CASE("a grey PNG decodes to three equal channels") {
  for (const Shape& shape : {Shape{4, 6}, Shape{4, 6, 1}}) {
    const Tensor pixels = gradient(shape);
    const Image image = decode_image(encode_png(pixels).value(), "x").value();
    for (int64_t i = 0; i < 24 * 3; ++i) {
      REQUIRE(image.pixels.data<uint8_t>()[i] == pixels.data<uint8_t>()[i / 3]);
    }
  }
}

TEST_CASE("pixels that PNG cannot hold, and files that cannot be written, are errors") {
  CHECK_THROWS_WITH_AS((void)encode_png(gradient({4, 6, 2})),
                       "encode_png: input has shape (4, 6, 2), expected uint8 (height, width) or (height, width, 1 or "
                       "3), not empty",
                       Error);
  CHECK_THROWS_AS((void)encode_png(Tensor::zeros<float>({4, 6}, "test")), Error);
  CHECK_THROWS_AS((void)encode_png(gradient({0, 6})), Error);
  CHECK(write_png("/no such folder/x.png", gradient({2, 2})).message() ==
        "/no such folder/x.png: cannot be written: No such file or directory");
}

}  // namespace
}  // namespace assay::data
