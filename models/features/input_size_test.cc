// SPDX-License-Identifier: Apache-2.0
#include "models/features/input_size.h"

#include <doctest/doctest.h>

namespace assay::models {
namespace {

TEST_CASE("the aspect is kept at about constant area, in multiples of 32") {
  const InputSizeRule rule{256, InputSizeRule::Fit::kKeepAspect};
  const auto check = [&](int64_t width, int64_t height, int64_t out_width, int64_t out_height) {
    const InputSize size = input_size(width, height, rule);
    CHECK(size.width == out_width);
    CHECK(size.height == out_height);
  };
  check(256, 256, 256, 256);
  check(1000, 1000, 256, 256);
  check(480, 195, 416, 160);
  check(195, 480, 160, 416);
  check(1, 1, 256, 256);
  check(20000, 1, 2048, 32);
  check(1, 20000, 32, 2048);
}

TEST_CASE("sides are multiples of what the backbone wants") {
  InputSizeRule rule;
  rule.image_size = 392;
  rule.multiple = 14;
  const auto check = [&](int64_t width, int64_t height, int64_t expected_width, int64_t expected_height) {
    const InputSize size = input_size(width, height, rule);
    CHECK(size.width == expected_width);
    CHECK(size.height == expected_height);
  };
  check(100, 100, 392, 392);
  check(200, 100, 560, 280);  // 554.4 x 277.2
  check(1, 20000, 14, 3136);
  rule.fit = InputSizeRule::Fit::kStretch;
  check(200, 100, 392, 392);
  rule.multiple = 0;
  CHECK_THROWS_AS(input_size(1, 1, rule), Error);
}

TEST_CASE("stretching ignores the aspect") {
  const InputSize size = input_size(480, 195, {250, InputSizeRule::Fit::kStretch});
  CHECK(size.width == 256);
  CHECK(size.height == 256);
}

TEST_CASE("names of fits go both ways") {
  for (const char* name : {"keep-aspect", "stretch"}) CHECK(fit_name(fit_from_name(name).value()) == std::string(name));
  CHECK(fit_from_name("crop").message() == "fit 'crop': expected keep-aspect or stretch");
  CHECK_THROWS_AS(input_size(0, 5, {}), Error);
}

}  // namespace
}  // namespace assay::models
