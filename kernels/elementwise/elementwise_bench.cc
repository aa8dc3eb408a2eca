// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/elementwise/add_row.h"
#include "kernels/elementwise/add_row_ref.h"
#include "kernels/elementwise/convert_float16.h"
#include "kernels/elementwise/convert_float16_ref.h"
#include "kernels/elementwise/image_normalise.h"
#include "kernels/elementwise/image_normalise_ref.h"
#include "kernels/elementwise/normalise_rows.h"
#include "kernels/elementwise/normalise_rows_ref.h"
#include "tools/bench/case.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

constexpr int64_t kSample = 1000;  // elements that are verified

struct Halves {
  explicit Halves(int64_t count) : x(sample_floats(count)), halves(count), y(count) {
    run(to_float16, {x.data(), halves.data(), count});
  }
  bool halves_hold() const {
    for (int64_t i = 0; i < kSample; ++i) {
      if (halves[i] != ref::nearest_float16(x[i])) return false;
    }
    return true;
  }
  bool floats_hold() const {
    for (int64_t i = 0; i < kSample; ++i) {
      if (y[i] != ref::value_of_float16(halves[i])) return false;
    }
    return true;
  }

  std::vector<float> x;
  std::vector<uint16_t> halves;
  std::vector<float> y;
};

PreparedCase prepare_to_float16(int64_t count) {
  const auto h = std::make_shared<Halves>(count);
  return {[h, count] {
            run(to_float16, {h->x.data(), h->halves.data(), count, 65504});
          },
          nullptr, [h] { return h->halves_hold(); }};
}

PreparedCase prepare_from_float16(int64_t count) {
  const auto h = std::make_shared<Halves>(count);
  return {[h, count] {
            run(from_float16, {h->halves.data(), h->y.data(), count});
          },
          nullptr, [h] { return h->floats_hold(); }};
}

PreparedCase prepare_image_normalise(int64_t pixels) {
  struct Images {
    std::vector<uint8_t> x;
    std::vector<float> y;
  };
  const auto i = std::make_shared<Images>(Images{sample_bytes(3 * pixels), std::vector<float>(3 * pixels)});
  return {[i, pixels] {
            run(image_normalise, {i->x.data(), i->y.data(), pixels, {127, 127, 127}, {128, 128, 128}});
          },
          nullptr,
          [i] {
            std::vector<double> expected;
            for (int64_t e = 0; e < kSample; ++e) expected.push_back(image_normalise_ref(i->x[e], 127, 128));
            return begins_with(i->y, expected, 1e-6);
          }};
}

struct Matrix {
  int64_t rows, cols;
  std::vector<float> x, y;
};

PreparedCase prepare_normalise_rows(int64_t rows, int64_t cols) {
  const int64_t count = rows * cols;
  const auto m = std::make_shared<Matrix>(Matrix{rows, cols, sample_floats(count), std::vector<float>(count)});
  return {[m] {
            run(normalise_rows, {m->x.data(), m->y.data(), m->rows, m->cols, m->cols, 0});
          },
          nullptr, [m] { return begins_with(m->y, normalise_row_ref(m->x.data(), m->cols), 1e-7); }};
}

// Run after run adds the row again, so it is one of zeros.
PreparedCase prepare_add_row(int64_t rows, int64_t cols) {
  const auto m = std::make_shared<Matrix>(Matrix{rows, cols, std::vector<float>(cols, 0), sample_floats(rows * cols)});
  const std::vector<float> before(m->y.begin(), m->y.begin() + kSample);
  return {[m] {
            run(add_row, {m->x.data(), m->y.data(), m->rows, m->cols});
          },
          nullptr,
          [m, before] {
            std::vector<double> expected;
            for (int64_t e = 0; e < kSample; ++e) expected.push_back(add_row_ref(before[e], m->x[e % m->cols]));
            return begins_with(m->y, expected, 0);
          }};
}

}  // namespace

std::vector<Case> elementwise_cases() {
  const int64_t table = 16 * 256 * 477, pixels = 16 * 256 * 256, rows = 16 * 256, cols = 112;
  const double numbers = static_cast<double>(table), levels = 3 * static_cast<double>(pixels);
  const double features = static_cast<double>(rows * cols);
  const std::string matrix = std::to_string(rows) + "x" + std::to_string(cols);
  return {
      {"to_float16", std::to_string(table), 0, 6 * numbers, [=] { return prepare_to_float16(table); }},
      {"from_float16", std::to_string(table), 0, 6 * numbers, [=] { return prepare_from_float16(table); }},
      {"image_normalise", "16x256x256x3", 2 * levels, 5 * levels, [=] { return prepare_image_normalise(pixels); }},
      {"normalise_rows", matrix, 3 * features, 8 * features, [=] { return prepare_normalise_rows(rows, cols); }},
      {"add_row", matrix, features, 8 * features, [=] { return prepare_add_row(rows, cols); }},
  };
}

}  // namespace assay::bench
