// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv/conv2d_backward.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/conv/conv2d_backward_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/numbers.h"
#include "tests/support/sparse_array.h"
#include "tests/support/staging.h"

namespace assay::kernels {
namespace {

using ref::padded_conv;
using testing::count_not_added;
using testing::count_wrong;
using testing::fill;
using testing::GuardedBuffer;
using testing::random_floats;
using testing::Staging;
using testing::to_double;

// Floats by which arrays are off a boundary of 64 bytes.
struct Offsets {
  int64_t x = 0, weight = 0, y = 0;
};

struct Problem {
  explicit Problem(const ConvShape& s, const Offsets& o = {})
      : shape(s),
        offsets(o),
        x(random_floats(s.num_inputs(), 1)),
        weight(random_floats(s.num_weights(), 2)),
        grad_y(random_floats(s.num_outputs(), 3)) {}
  ConvShape shape;
  Offsets offsets;
  std::vector<float> x, weight, grad_y;
};

std::vector<float> backward_data(const Problem& p, GradMode mode = GradMode::kOverwrite, float held = 0) {
  GuardedBuffer<float> weight(p.shape.num_weights(), p.offsets.weight), grad_y(p.shape.num_outputs(), p.offsets.y);
  GuardedBuffer<float> grad_x(p.shape.num_inputs(), p.offsets.x);
  if (mode == GradMode::kAccumulate) fill(grad_x, std::vector<float>(static_cast<size_t>(grad_x.size()), held));
  Staging s;
  run(conv2d_backward_data, {s.in(fill(grad_y, p.grad_y)), s.in(fill(weight, p.weight)), s.out(grad_x), p.shape, mode},
      s.stream());
  s.finish();
  CHECK(grad_x.guards_intact());
  return grad_x.values();
}

std::vector<float> backward_weight(const Problem& p, GradMode mode = GradMode::kOverwrite, float held = 0) {
  GuardedBuffer<float> x(p.shape.num_inputs(), p.offsets.x), grad_y(p.shape.num_outputs(), p.offsets.y);
  GuardedBuffer<float> grad_weight(p.shape.num_weights(), p.offsets.weight);
  if (mode == GradMode::kAccumulate) {
    fill(grad_weight, std::vector<float>(static_cast<size_t>(grad_weight.size()), held));
  }
  const size_t bytes = conv2d_backward_weight_workspace_bytes(testing::test_backend(), p.shape);
  GuardedBuffer<float> workspace(static_cast<int64_t>(bytes / sizeof(float)));
  Staging s;
  run(conv2d_backward_weight,
      {s.in(fill(x, p.x)), s.in(fill(grad_y, p.grad_y)), s.out(grad_weight), bytes == 0 ? nullptr : s.out(workspace),
       p.shape, mode},
      s.stream());
  s.finish();
  CHECK((grad_weight.guards_intact() && workspace.guards_intact()));
  return grad_weight.values();
}

void check_case(const ConvShape& s, const Offsets& offsets = {}) {
  CAPTURE(ref::conv_shape_text(s));
  const Problem p(s, offsets);
  const auto data = ref::conv2d_backward_data(s, to_double(p.grad_y), to_double(p.weight));
  CHECK(count_wrong(backward_data(p), data.value, data.tolerance) == 0);
  const auto weight = ref::conv2d_backward_weight(s, to_double(p.x), to_double(p.grad_y));
  CHECK(count_wrong(backward_weight(p), weight.value, weight.tolerance) == 0);
}

TEST_CASE("gradients of a convolution equal their sums on a decoder's layers, scaled down") {
  check_case(padded_conv(2, 8, 6, 24, 20, 3, 1, 1));  // 3 x 3
  check_case(padded_conv(2, 8, 6, 12, 40, 3, 2, 1));  // with stride
  check_case(padded_conv(1, 7, 9, 12, 8, 3, 2, 1));   // the same on odd sides
  check_case(padded_conv(2, 4, 6, 64, 68, 1, 1, 0));  // 1 x 1
  check_case(padded_conv(2, 8, 6, 36, 16, 1, 2, 0));  // with stride: three cells of four are met by none
  check_case(padded_conv(2, 8, 6, 20, 28, 2, 2, 0));  // transposed, windows side by side
  check_case(padded_conv(1, 8, 8, 8, 12, 4, 2, 1));   // transposed, windows over each other
}

TEST_CASE("gradients of a convolution equal their sums at the edges of tiles, vectors and windows") {
  check_case({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0});
  check_case({0, 4, 4, 3, 4, 4, 5, 3, 3, 1, 1, 1});     // no image: no grad_x, a grad_weight of zeros
  check_case({1, 4, 4, 3, 0, 4, 5, 3, 3, 1, 1, 1});     // no output: zeros alone
  check_case({1, 2, 2, 5, 2, 2, 3, 1, 1, 3, 0, 0});     // phases without cells, cells without taps
  check_case({2, 5, 6, 3, 3, 4, 65, 2, 4, 3, 2, 3});    // window, stride and padding of no common kind
  check_case({1, 3, 3, 4, 5, 6, 7, 1, 7, 1, 1, 5});     // wider than the grid; windows outside in whole
  check_case({1, 9, 9, 4, 3, 3, 7, 3, 3, 2, -1, -2});   // the first rows and columns are met by none
  check_case({1, 13, 5, 1, 13, 5, 63, 3, 3, 1, 1, 1});  // one channel
  check_case({1, 13, 5, 63, 13, 5, 1, 3, 3, 1, 1, 1});  // one output
  check_case({3, 9, 7, 7, 5, 4, 129, 3, 3, 2, 1, 1});
  check_case({1, 40, 33, 5, 40, 33, 6, 3, 3, 1, 1, 1});  // several pieces of cells on CUDA, the last one shorter
  check_case({5, 23, 12, 8, 23, 12, 4, 1, 1, 1, 0, 0});  // pieces end within images
  CHECK(conv2d_backward_weight_pieces({1, 40, 33, 5, 40, 33, 6, 3, 3, 1, 1, 1}) == 5);
  CHECK(conv2d_backward_weight_pieces({5, 23, 12, 8, 23, 12, 4, 1, 1, 1, 0, 0}) == 5);
}

TEST_CASE("gradients of a convolution equal their sums on random shapes") {
  std::mt19937 engine(5);
  for (int repeat = 0; repeat < 60; ++repeat) {
    CAPTURE(repeat);
    const auto below = [&](int64_t n) { return static_cast<int64_t>(engine() % static_cast<uint64_t>(n)); };
    const ConvShape s = {below(3),      1 + below(9), 1 + below(9), 1 + below(20), 1 + below(8), 1 + below(8),
                         1 + below(80), 1 + below(5), 1 + below(5), 1 + below(3),  below(4),     below(4)};
    check_case(s, {below(2), below(2), below(2)});
  }
}

TEST_CASE("gradients of a convolution stand one array alone that isn't aligned to a vector") {
  const ConvShape s = padded_conv(2, 6, 6, 8, 20, 3, 2, 1);
  for (const Offsets& o : {Offsets{1, 0, 0}, Offsets{0, 1, 0}, Offsets{0, 0, 1}, Offsets{2, 3, 1}}) check_case(s, o);
}

TEST_CASE("gradients of a convolution are added to where they are told to") {
  for (const ConvShape& s : {padded_conv(2, 7, 6, 9, 12, 3, 2, 1), padded_conv(1, 40, 33, 5, 6, 3, 1, 1)}) {
    const Problem p(s);
    CHECK(count_not_added(backward_data(p, GradMode::kAccumulate, 0.5f), backward_data(p), 0.5f) == 0);
    auto want = ref::conv2d_backward_weight(s, to_double(p.x), to_double(p.grad_y));
    for (size_t i = 0; i < want.value.size(); ++i) {
      want.value[i] += 0.5;  // one term more
      want.tolerance[i] += static_cast<double>(s.num_cells()) * std::ldexp(0.5, -23);
    }
    CHECK(count_wrong(backward_weight(p, GradMode::kAccumulate, 0.5f), want.value, want.tolerance) == 0);
  }
}

TEST_CASE("gradients of a convolution have the same bits for any number of threads") {
  const Problem p(padded_conv(3, 30, 22, 70, 40, 3, 1, 1));
  const int before = num_threads();
  set_num_threads(1);
  const std::vector<float> data = backward_data(p), weight = backward_weight(p);
  set_num_threads(3);
  CHECK(backward_data(p) == data);
  CHECK(backward_weight(p) == weight);
  set_num_threads(before);
}

TEST_CASE("a NaN spreads to the sums of a convolution's gradients that hold it, and no further") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Problem p(padded_conv(1, 7, 7, 4, 3, 3, 1, 1));
  p.grad_y[(3 * 7 + 3) * 3 + 2] = nan;
  const std::vector<float> data = backward_data(p), weight = backward_weight(p);
  for (int64_t at = 0; at < 7 * 7 * 4; ++at) {
    const int64_t h = at / 4 / 7, w = at / 4 % 7;
    CHECK(std::isnan(data[static_cast<size_t>(at)]) == (std::abs(h - 3) <= 1 && std::abs(w - 3) <= 1));
  }
  for (int64_t at = 0; at < 3 * 9 * 4; ++at) CHECK(std::isnan(weight[static_cast<size_t>(at)]) == (at / 36 == 2));
  Problem corner(padded_conv(1, 7, 7, 4, 3, 3, 1, 1));
  corner.x[3] = nan;  // of cell (0, 0), which taps of the window's last row and column see from outside the grid only
  const std::vector<float> seen = backward_weight(corner);
  for (int64_t at = 0; at < 3 * 9 * 4; ++at) {
    const int64_t p_tap = at / 12 % 3, q_tap = at / 4 % 3;
    CHECK(std::isnan(seen[static_cast<size_t>(at)]) == (at % 4 == 3 && p_tap <= 1 && q_tap <= 1));
  }
}

// Arrays of more than 2^31 elements, of whose rows only the beginning is read: offsets computed in 32 bits end
// elsewhere.
constexpr int64_t kFarRows = 5, kFarRead = 16, kFarCells = 3;

std::vector<float> far_values(int64_t first, int64_t count) {
  std::vector<float> v;
  for (int64_t i = first; i < first + count; ++i)
    v.push_back(static_cast<float>(std::sin(static_cast<double>(i % 1000003))));
  return v;
}

// Two images of kFarRows rows; also the first kFarCells cells of each row, side by side, as a small array.
struct FarArray {
  explicit FarArray(int64_t channels)
      : width((int64_t{1} << 31) / ((kFarRows - 1) * channels) + 2), sparse(2 * kFarRows * width * channels) {
    for (int64_t r = 0; r < 2 * kFarRows; ++r) {
      const std::vector<float> begin = far_values(r * width * channels, kFarRead * channels);
      sparse.put(r * width * channels, begin);
      near.insert(near.end(), begin.begin(), begin.begin() + (kFarCells + 1) * channels);
    }
  }
  int64_t width;
  testing::SparseArray<float> sparse;
  std::vector<float> near;  // (2, kFarRows, kFarCells + 1, channels)
};

TEST_CASE("the gradient of a convolution's input reaches outputs beyond element 2^31") {
  for (const int64_t channels : {4, 3}) {
    CAPTURE(channels);
    FarArray grad_y(channels);
    // The input is so narrow that the first outputs of a row alone meet it.
    const ConvShape far = {2, kFarRows, kFarCells, 6, kFarRows, grad_y.width, channels, 3, 3, 1, 1, 1};
    ConvShape near = far;
    near.out_width = kFarCells + 1;
    const std::vector<float> weight = random_floats(far.num_weights(), 2);
    GuardedBuffer<float> grad_x(far.num_inputs());
    Staging s;
    run(conv2d_backward_data, {grad_y.sparse.data(), s.in(weight), s.out(grad_x), far}, s.stream());
    s.finish();
    const auto want = ref::conv2d_backward_data(near, to_double(grad_y.near), to_double(weight));
    CHECK(count_wrong(grad_x.values(), want.value, want.tolerance) == 0);
    CHECK(grad_x.guards_intact());
  }
}

TEST_CASE("the gradient of a convolution's weights reaches inputs beyond element 2^31") {
  for (const int64_t channels : {4, 3}) {
    CAPTURE(channels);
    FarArray x(channels);
    const ConvShape far = {2, kFarRows, x.width, channels, kFarRows, kFarCells, 6, 3, 3, 1, 1, 1};
    ConvShape near = far;
    near.width = kFarCells + 1;
    const std::vector<float> grad_y = random_floats(far.num_outputs(), 2);
    GuardedBuffer<float> grad_weight(far.num_weights());
    Staging s;
    run(conv2d_backward_weight, {x.sparse.data(), s.in(grad_y), s.out(grad_weight), nullptr, far}, s.stream());
    s.finish();
    const auto want = ref::conv2d_backward_weight(near, to_double(x.near), to_double(grad_y));
    CHECK(count_wrong(grad_weight.values(), want.value, want.tolerance) == 0);
    CHECK(grad_weight.guards_intact());
  }
}

}  // namespace
}  // namespace assay::kernels
