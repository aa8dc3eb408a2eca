// SPDX-License-Identifier: Apache-2.0
// Dinomaly's loss of 16 images of 28 x 28 points and 768 channels.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/loss/cosine_distance.h"
#include "kernels/loss/cosine_distance_ref.h"
#include "kernels/loss/hard_mining.h"
#include "kernels/loss/hard_mining_ref.h"
#include "tests/support/numbers.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;
using testing::to_double;

struct Pairs {
  Pairs(int64_t r, int64_t c)
      : rows(r),
        cols(c),
        a(samples(r * c, 1, -2, 2)),
        b(samples(r * c, 2, -2, 2)),
        distance(r),
        norms(2 * r),
        grad_distance(samples(r, 3)),
        grad_a(r * c),
        workspace(static_cast<int64_t>(cosine_distance_workspace_bytes(r, c) / sizeof(double))) {}
  void forward() {
    launch(cosine_distance_forward, {a.data(), b.data(), distance.data(), norms.data(), workspace.data(), rows, cols});
  }
  // For a alone, as in training.
  void backward() {
    launch(cosine_distance_backward, {a.data(), b.data(), distance.data(), norms.data(), grad_distance.data(),
                                      grad_a.data(), nullptr, rows, cols});
  }
  // The first row's.
  bool hold(bool is_backward) const {
    const std::vector<double> first_a = to_double(a.values(0, cols)), first_b = to_double(b.values(0, cols));
    if (!is_backward) {
      const auto want = ref::cosine_distance_forward(first_a, first_b, {1, cols});
      return begins_with(distance, want.distance, want.distance_tolerance);
    }
    const auto want =
        ref::cosine_distance_backward(first_a, first_b, to_double(distance.values(0, 1)), to_double(norms.values(0, 2)),
                                      to_double(grad_distance.values(0, 1)), {1, cols});
    return begins_with(grad_a, want.a, want.a_tolerance);
  }

  int64_t rows, cols;
  Buffer<float> a, b, distance, norms, grad_distance, grad_a;
  Buffer<double> workspace;
};

PreparedCase prepare_cosine(int64_t rows, int64_t cols, bool backward) {
  const auto pairs = std::make_shared<Pairs>(rows, cols);
  pairs->forward();
  return {[=] { backward ? pairs->backward() : pairs->forward(); }, [=] { return pairs->hold(backward); }};
}

PreparedCase prepare_selection(int64_t count) {
  struct Distances {
    Buffer<float> x, y;
    Buffer<uint32_t> workspace;
  };
  const size_t workspace_bytes = kth_largest_workspace_bytes(testing::test_backend(), count);
  const auto d = std::make_shared<Distances>(
      Distances{samples(count, 1, 0, 2), Buffer<float>(1),
                Buffer<uint32_t>(static_cast<int64_t>(workspace_bytes / sizeof(uint32_t)))});
  const int64_t k = hard_mining_k(count, 0.9);
  return {[=] {
            launch(kth_largest, {d->x.data(), d->y.data(), d->workspace.data(), count, k});
          },
          [=] { return begins_with(d->y, {ref::kth_largest(d->x.values(), k)}, 0); }};
}

// In place: run after run scales again, so by little.
PreparedCase prepare_scaling(int64_t rows, int64_t cols) {
  struct Gradients {
    Buffer<float> distance, threshold, grad;
  };
  constexpr float kFactor = 0.999f;
  const auto g = std::make_shared<Gradients>(
      Gradients{samples(rows, 1, 0, 2), Buffer<float>(std::vector<float>{1.8f}), samples(rows * cols, 2)});
  const std::vector<float> before = g->grad.values(0, cols);
  return {[=] {
            launch(hard_mining_scale, {g->distance.data(), g->threshold.data(), g->grad.data(), rows, cols, kFactor});
          },
          [=] {
            const double factor = g->distance.values(0, 1)[0] < 1.8f ? kFactor : 1;
            std::vector<double> expected;
            for (const float v : before) expected.push_back(factor * v);
            return begins_with(g->grad, expected, 0x1p-24);
          }};
}

}  // namespace

std::vector<Case> loss_cases(const Scale& s) {
  const int64_t images = s(16), cells = s(784), channels = s(768), points = images * cells, map = cells * channels;
  const double elements = static_cast<double>(points * channels);
  const double forward_flop = ref::cosine_distance_forward_flop(points, channels),
               forward_bytes = ref::cosine_distance_forward_bytes(points, channels),
               backward_bytes = ref::cosine_distance_backward_bytes(points, channels);
  const std::string maps = shape_text({images, map}), rows = shape_text({points, channels});
  return {{"cosine_distance_forward/maps", maps, forward_flop, forward_bytes,
           [=] { return prepare_cosine(images, map, false); }},
          {"cosine_distance_forward/points", rows, forward_flop, forward_bytes,
           [=] { return prepare_cosine(points, channels, false); }},
          {"cosine_distance_backward/maps", maps, 3 * elements, backward_bytes,
           [=] { return prepare_cosine(images, map, true); }},
          {"cosine_distance_backward/points", rows, 3 * elements, backward_bytes,
           [=] { return prepare_cosine(points, channels, true); }},
          {"kth_largest", shape_text({points}), static_cast<double>(points), ref::kth_largest_bytes(points),
           [=] { return prepare_selection(points); }},
          // Nine rows in ten are read and written.
          {"hard_mining_scale", rows, 0.9 * elements, 0.9 * 8 * elements + 4 * static_cast<double>(points),
           [=] { return prepare_scaling(points, channels); }}};
}

}  // namespace assay::bench
