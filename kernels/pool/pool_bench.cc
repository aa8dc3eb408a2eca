// SPDX-License-Identifier: Apache-2.0
// What the models pool: neighbourhoods of patches, a ResNet's first maps, a finer level to the coarser grid.
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/pool/average_pool.h"
#include "kernels/pool/average_pool_ref.h"
#include "kernels/pool/max_pool.h"
#include "kernels/pool/max_pool_ref.h"
#include "kernels/pool/neighbourhood_mean.h"
#include "kernels/pool/neighbourhood_mean_ref.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

struct Grids {
  int64_t batch, height, width, channels, out_height, out_width;
  int64_t inputs() const { return batch * height * width * channels; }
  int64_t outputs() const { return batch * out_height * out_width * channels; }
};

using Pool = std::function<void(const float* x, float* y)>;
using PoolReference = std::function<std::vector<double>(const std::vector<float>& first_grid)>;

// One operation for each of the window's cells of each output.
Case case_of(const char* kernel, const Grids& g, double cells_per_output, const Pool& pool,
             const PoolReference& reference) {
  struct Buffers {
    Buffer<float> x, y;
  };
  const auto prepare = [=]() -> PreparedCase {
    const auto b = std::make_shared<Buffers>(Buffers{samples(g.inputs(), 1, -3, 4), Buffer<float>(g.outputs())});
    return {[=] { pool(b->x.data(), b->y.data()); },
            [=] { return begins_with(b->y, reference(b->x.values(0, g.height * g.width * g.channels)), 1e-5); }};
  };
  return {kernel, shape_text({g.batch, g.height, g.width, g.channels}),
          static_cast<double>(g.outputs()) * cells_per_output, 4 * static_cast<double>(g.inputs() + g.outputs()),
          prepare};
}

}  // namespace

std::vector<Case> pool_cases(const Scale& s) {
  const int64_t b = s(16), side = s(16, 4), level = s(112), fine = s(32, 8), resnet = s(128), stem = s(64);
  const int64_t pooled = pooled_length(resnet, 3, 2, 1), coarse = fine / 2;
  return {
      case_of(
          "neighbourhood_mean", {b, side, side, level, side, side}, 9,
          [=](const float* x, float* y) {
            launch(neighbourhood_mean, {x, y, side, side, level, 3, b});
          },
          [=](const std::vector<float>& x) {
            return neighbourhood_mean_ref(x, {side, side, level, 3}).mean;
          }),
      case_of(
          "max_pool", {b, resnet, resnet, stem, pooled, pooled}, 9,
          [=](const float* x, float* y) {
            launch(max_pool, {x, y, resnet, resnet, stem, pooled, pooled, 3, 2, 1, b});
          },
          [=](const std::vector<float>& x) {
            return max_pool_ref(x, {resnet, resnet, stem, 3, 2, 1});
          }),
      case_of(
          "average_pool", {b, fine, fine, level, coarse, coarse}, 4,
          [=](const float* x, float* y) {
            launch(average_pool, {x, y, fine, fine, level, coarse, coarse, 2, 2, 0, PaddingCount::kIncluded, b});
          },
          [=](const std::vector<float>& x) {
            return average_pool_ref(x, {fine, fine, level, 2, 2, 0}).mean;
          }),
      case_of(
          "adaptive_average_pool", {b, side, side, level, 1, 1}, static_cast<double>(side * side),
          [=](const float* x, float* y) {
            launch(adaptive_average_pool, {x, y, side, side, level, 1, 1, b});
          },
          [=](const std::vector<float>& x) {
            return adaptive_average_pool_ref(x, {side, side, level, 1, 1}).mean;
          }),
  };
}

}  // namespace assay::bench
