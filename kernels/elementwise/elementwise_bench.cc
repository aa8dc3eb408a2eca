// SPDX-License-Identifier: Apache-2.0
// A distance table in halves, a batch of images, rows of features.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/elementwise/add_row.h"
#include "kernels/elementwise/add_row_ref.h"
#include "kernels/elementwise/convert_bfloat16.h"
#include "kernels/elementwise/convert_bfloat16_ref.h"
#include "kernels/elementwise/convert_float16.h"
#include "kernels/elementwise/convert_float16_ref.h"
#include "kernels/elementwise/image_normalise.h"
#include "kernels/elementwise/image_normalise_ref.h"
#include "kernels/elementwise/normalise_rows.h"
#include "kernels/elementwise/normalise_rows_ref.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

constexpr int64_t kSample = 1000;  // elements that are verified

// Elements of one kind made of those of another.
template <class From, class To>
struct Conversion {
  Buffer<From> x;
  Buffer<To> y;
};

// convert(x) for each of the first elements, bit for bit.
template <class From, class To, class Convert>
bool hold(const Conversion<From, To>& c, const Convert& convert) {
  std::vector<double> expected;
  for (const From v : c.x.values(0, kSample)) expected.push_back(convert(v));
  return begins_with(c.y, expected, 0);
}

PreparedCase prepare_to_float16(int64_t count) {
  const auto c = std::make_shared<Conversion<float, uint16_t>>(
      Conversion<float, uint16_t>{samples(count, 1, -3, 4), Buffer<uint16_t>(count)});
  return {[=] {
            launch(to_float16, {c->x.data(), c->y.data(), count, 65504});
          },
          [=] { return hold(*c, ref::nearest_float16); }};
}

PreparedCase prepare_from_float16(int64_t count) {
  const auto c = std::make_shared<Conversion<uint16_t, float>>(
      Conversion<uint16_t, float>{Buffer<uint16_t>(sample_integers<uint16_t>(count, 1, 0x7c00)), Buffer<float>(count)});
  return {[=] {
            launch(from_float16, {c->x.data(), c->y.data(), count});
          },
          [=] { return hold(*c, ref::value_of_float16); }};
}

PreparedCase prepare_to_bfloat16(int64_t count) {
  const auto c = std::make_shared<Conversion<float, uint16_t>>(
      Conversion<float, uint16_t>{samples(count, 1, -3, 4), Buffer<uint16_t>(count)});
  return {[=] {
            launch(to_bfloat16, {c->x.data(), c->y.data(), count});
          },
          [=] { return hold(*c, ref::nearest_bfloat16); }};
}

PreparedCase prepare_from_bfloat16(int64_t count) {
  const auto c = std::make_shared<Conversion<uint16_t, float>>(
      Conversion<uint16_t, float>{Buffer<uint16_t>(sample_integers<uint16_t>(count, 1, 0x7f80)), Buffer<float>(count)});
  return {[=] {
            launch(from_bfloat16, {c->x.data(), c->y.data(), count});
          },
          [=] { return hold(*c, ref::value_of_bfloat16); }};
}

PreparedCase prepare_image_normalise(int64_t pixels) {
  const auto c = std::make_shared<Conversion<uint8_t, float>>(Conversion<uint8_t, float>{
      Buffer<uint8_t>(sample_integers<uint8_t>(3 * pixels, 1, 256)), Buffer<float>(3 * pixels)});
  return {[=] {
            launch(image_normalise, {c->x.data(), c->y.data(), pixels, {127, 127, 127}, {128, 128, 128}});
          },
          [=] {
            std::vector<double> expected;
            for (const uint8_t v : c->x.values(0, kSample)) expected.push_back(image_normalise_ref(v, 127, 128));
            return begins_with(c->y, expected, 1e-6);
          }};
}

PreparedCase prepare_normalise_rows(int64_t rows, int64_t cols) {
  const auto c = std::make_shared<Conversion<float, float>>(
      Conversion<float, float>{samples(rows * cols, 1, -3, 4), Buffer<float>(rows * cols)});
  return {[=] {
            launch(normalise_rows, {c->x.data(), c->y.data(), rows, cols, cols, 0});
          },
          [=] { return begins_with(c->y, normalise_row_ref(c->x.values(0, cols).data(), cols), 1e-7); }};
}

// In place: run after run adds the row again.
PreparedCase prepare_add_row(int64_t rows, int64_t cols) {
  const auto c = std::make_shared<Conversion<float, float>>(
      Conversion<float, float>{Buffer<float>(sample_integers<float>(cols, 1, 100)), zeros<float>(rows * cols)});
  return {[=] {
            launch(add_row, {c->x.data(), c->y.data(), rows, cols});
          },
          [=] {
            std::vector<double> expected;
            for (const float offset : c->x.values()) expected.push_back(add_row_ref(0, offset));
            return begins_with(c->y, expected, 0);
          }};
}

}  // namespace

std::vector<Case> elementwise_cases(const Scale& s) {
  const int64_t table = s(16) * s(256) * s(477), b = s(16), h = s(256), w = s(256), pixels = b * h * w;
  const int64_t rows = s(16) * s(256), cols = s(112);
  const double numbers = static_cast<double>(table), levels = 3 * static_cast<double>(pixels);
  const double features = static_cast<double>(rows * cols);
  const std::string matrix = shape_text({rows, cols}), cells = shape_text({table});
  return {
      {"to_float16", cells, 0, 6 * numbers, [=] { return prepare_to_float16(table); }, "f32>f16"},
      {"from_float16", cells, 0, 6 * numbers, [=] { return prepare_from_float16(table); }, "f16>f32"},
      {"to_bfloat16", cells, 0, 6 * numbers, [=] { return prepare_to_bfloat16(table); }, "f32>bf16"},
      {"from_bfloat16", cells, 0, 6 * numbers, [=] { return prepare_from_bfloat16(table); }, "bf16>f32"},
      {"image_normalise", shape_text({b, h, w, 3}), 2 * levels, 5 * levels,
       [=] { return prepare_image_normalise(pixels); }, "u8>f32"},
      {"normalise_rows", matrix, 3 * features, 8 * features, [=] { return prepare_normalise_rows(rows, cols); }},
      {"add_row", matrix, features, 8 * features, [=] { return prepare_add_row(rows, cols); }},
  };
}

}  // namespace assay::bench
