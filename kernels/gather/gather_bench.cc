// SPDX-License-Identifier: Apache-2.0
// The patches of a coreset out of a batch's, PaDiM's channels out of a level's, and a level placed beside another.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/gather/gather.h"
#include "kernels/gather/gather_ref.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

struct Matrices {
  Buffer<float> x;
  Buffer<int64_t> index;
  Buffer<float> y;
};

PreparedCase prepare_rows(int64_t x_rows, int64_t rows, int64_t cols) {
  const auto m = std::make_shared<Matrices>(Matrices{samples(x_rows * cols, 1),
                                                     Buffer<int64_t>(sample_integers<int64_t>(rows, 2, x_rows)),
                                                     Buffer<float>(rows * cols)});
  return {[=] {
            launch(gather_rows, {m->x.data(), m->index.data(), m->y.data(), x_rows, rows, cols});
          },
          [=] {
            const std::vector<float> x = m->x.values();
            const int64_t chosen = m->index.values(0, 1)[0];
            std::vector<double> expected;
            for (int64_t c = 0; c < cols; ++c) expected.push_back(element_or_nan(x, x_rows, cols, chosen, c));
            return begins_with(m->y, expected, 0);
          }};
}

PreparedCase prepare_columns(int64_t rows, int64_t x_cols, int64_t cols) {
  const auto m = std::make_shared<Matrices>(Matrices{samples(rows * x_cols, 1),
                                                     Buffer<int64_t>(sample_integers<int64_t>(cols, 2, x_cols)),
                                                     Buffer<float>(rows * cols)});
  return {[=] {
            launch(gather_columns, {m->x.data(), m->index.data(), m->y.data(), rows, x_cols, cols});
          },
          [=] {
            const std::vector<float> x = m->x.values(0, x_cols);
            std::vector<double> expected;
            for (const int64_t chosen : m->index.values()) {
              expected.push_back(element_or_nan(x, 1, x_cols, 0, chosen));
            }
            return begins_with(m->y, expected, 0);
          }};
}

// The last columns of y; the others stay zero.
PreparedCase prepare_placing(int64_t rows, int64_t cols, int64_t y_cols) {
  const auto m =
      std::make_shared<Matrices>(Matrices{samples(rows * cols, 1), Buffer<int64_t>(0), zeros<float>(rows * y_cols)});
  return {[=] {
            launch(place_columns, {m->x.data(), m->y.data(), rows, cols, y_cols, y_cols - cols});
          },
          [=] {
            std::vector<double> expected(y_cols - cols, 0);
            for (const float v : m->x.values(0, cols)) expected.push_back(v);
            return begins_with(m->y, expected, 0);
          }};
}

}  // namespace

std::vector<Case> gather_cases(const Scale& s) {
  // Compulsory: what is moved is read and written once, and indices read once.
  const int64_t patches = s(200000), coreset = s(20000), width = s(152), cells = s(16) * s(256), level = s(112),
                chosen = s(100), both = level + s(40);
  const double moved_rows = static_cast<double>(coreset * width), moved_columns = static_cast<double>(cells * chosen);
  return {{"gather_rows", shape_text({patches, width}) + ":" + std::to_string(coreset), 0,
           8 * moved_rows + 8 * static_cast<double>(coreset), [=] { return prepare_rows(patches, coreset, width); }},
          {"gather_columns", shape_text({cells, both}) + ":" + std::to_string(chosen), 0,
           8 * moved_columns + 8 * static_cast<double>(chosen), [=] { return prepare_columns(cells, both, chosen); }},
          {"place_columns", shape_text({cells, level}) + ":" + std::to_string(both), 0,
           8 * static_cast<double>(cells * level), [=] { return prepare_placing(cells, level, both); }}};
}

}  // namespace assay::bench
