// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/pool/average_pool.h"
#include "kernels/pool/average_pool_ref.h"
#include "kernels/pool/max_pool.h"
#include "kernels/pool/max_pool_ref.h"
#include "kernels/pool/neighbourhood_mean.h"
#include "kernels/pool/neighbourhood_mean_ref.h"
#include "tools/bench/case.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

struct Grids {
  int64_t batch, height, width, channels, out_height, out_width;

  double inputs() const { return static_cast<double>(batch * height * width * channels); }
  double outputs() const { return static_cast<double>(batch * out_height * out_width * channels); }
  std::string shape() const {
    return std::to_string(batch) + "x" + std::to_string(height) + "x" + std::to_string(width) + "x" +
           std::to_string(channels);
  }
};

using Pool = std::function<void(const float* x, float* y)>;
using PoolReference = std::function<std::vector<double>(const std::vector<float>& first_grid)>;

// One operation for each of the window's cells of each output.
Case case_of(const char* kernel, const Grids& g, double cells_per_output, const Pool& pool,
             const PoolReference& reference) {
  struct Buffers {
    std::vector<float> x, y;
  };
  const auto prepare = [=]() -> PreparedCase {
    const auto b = std::make_shared<Buffers>();
    b->x = sample_floats(g.batch * g.height * g.width * g.channels);
    b->y.resize(g.batch * g.out_height * g.out_width * g.channels);
    return {[=] { pool(b->x.data(), b->y.data()); }, nullptr,
            [=] {
              const std::vector<float> first(b->x.begin(), b->x.begin() + g.height * g.width * g.channels);
              return begins_with(b->y, reference(first), 1e-5);
            }};
  };
  return {kernel, g.shape(), g.outputs() * cells_per_output, 4 * (g.inputs() + g.outputs()), prepare};
}

}  // namespace

std::vector<Case> pool_cases() {
  const int64_t resnet = pooled_length(128, 3, 2, 1);
  return {
      case_of(
          "neighbourhood_mean", {16, 16, 16, 112, 16, 16}, 9,
          [](const float* x, float* y) {
            run(neighbourhood_mean, {x, y, 16, 16, 112, 3, 16});
          },
          [](const std::vector<float>& x) {
            return neighbourhood_mean_ref(x, {16, 16, 112, 3}).mean;
          }),
      case_of(
          "max_pool", {16, 128, 128, 64, resnet, resnet}, 9,
          [=](const float* x, float* y) {
            run(max_pool, {x, y, 128, 128, 64, resnet, resnet, 3, 2, 1, 16});
          },
          [](const std::vector<float>& x) {
            return max_pool_ref(x, {128, 128, 64, 3, 2, 1});
          }),
      case_of(
          "average_pool", {16, 32, 32, 112, 16, 16}, 4,
          [](const float* x, float* y) {
            run(average_pool, {x, y, 32, 32, 112, 16, 16, 2, 2, 0, PaddingCount::kIncluded, 16});
          },
          [](const std::vector<float>& x) {
            return average_pool_ref(x, {32, 32, 112, 2, 2, 0}).mean;
          }),
      case_of(
          "adaptive_average_pool", {16, 16, 16, 112, 1, 1}, 256,
          [](const float* x, float* y) {
            run(adaptive_average_pool, {x, y, 16, 16, 112, 1, 1, 16});
          },
          [](const std::vector<float>& x) {
            return adaptive_average_pool_ref(x, {16, 16, 112, 1, 1}).mean;
          }),
  };
}

}  // namespace assay::bench
