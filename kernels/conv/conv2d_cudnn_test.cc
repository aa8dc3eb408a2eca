// SPDX-License-Identifier: Apache-2.0
// conv2d by cuDNN against the definition in double, whatever engine and graph it takes.
#include "kernels/conv/conv2d_cudnn.h"

#include <cuda_runtime_api.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/random/generator.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"

namespace assay::kernels {
namespace {

using testing::GuardedBuffer;
using testing::Staging;

const KernelTable<Conv2dArgs> kernel = {"conv2d_cudnn", nullptr, conv2d_cudnn_cuda};

enum class Residual { kNone, kOther, kOutput };

struct ConvCase {
  int64_t batch, height, width, channels, out_channels, kernel, stride;
  int64_t pad_top, pad_left, out_height, out_width;
  Residual residual = Residual::kNone;
  ConvActivation activation = ConvActivation::kNone;
  int64_t offset = 0;  // of every pointer, in elements
};

// Padding as TensorFlow's SAME: the odd zero behind.
ConvCase same(int64_t batch, int64_t height, int64_t width, int64_t channels, int64_t out_channels, int64_t kernel,
              int64_t stride) {
  const auto out = [&](int64_t size) { return (size + stride - 1) / stride; };
  const auto pad = [&](int64_t size) { return std::max<int64_t>(0, (out(size) - 1) * stride + kernel - size) / 2; };
  return {batch,  height,      width,      channels,    out_channels, kernel,
          stride, pad(height), pad(width), out(height), out(width)};
}

std::vector<float> normal_values(int64_t count, uint64_t seed) {
  Generator g(seed);
  std::vector<float> v(static_cast<size_t>(count));
  for (float& x : v) x = static_cast<float>(g.normal());
  return v;
}

struct Element {
  double value, magnitude;
};

Element product(const ConvCase& t, const float* x, const float* weight, int64_t b, int64_t i, int64_t j, int64_t o) {
  Element e = {0, 0};
  for (int64_t p = 0; p < t.kernel; ++p) {
    const int64_t h = i * t.stride + p - t.pad_top;
    for (int64_t q = 0; q < t.kernel; ++q) {
      const int64_t w = j * t.stride + q - t.pad_left;
      if (h < 0 || h >= t.height || w < 0 || w >= t.width) continue;
      for (int64_t c = 0; c < t.channels; ++c) {
        const double term = static_cast<double>(x[((b * t.height + h) * t.width + w) * t.channels + c]) *
                            weight[((o * t.kernel + p) * t.kernel + q) * t.channels + c];
        e.value += term;
        e.magnitude += std::abs(term);
      }
    }
  }
  return e;
}

double activate(double x, ConvActivation activation) {
  if (activation == ConvActivation::kNone) return x;
  const double positive = std::max(x, 0.0);
  return activation == ConvActivation::kRelu6 ? std::min(positive, 6.0) : positive;
}

struct ConvData {
  ConvCase t;
  std::vector<float> x, weight, bias, residual;
  int64_t outputs;

  explicit ConvData(const ConvCase& c)
      : t(c),
        x(normal_values(c.batch * c.height * c.width * c.channels + c.offset, 1)),
        weight(normal_values(c.out_channels * c.kernel * c.kernel * c.channels + c.offset, 2)),
        bias(normal_values(c.out_channels + c.offset, 3)),
        residual(normal_values(c.batch * c.out_height * c.out_width * c.out_channels + c.offset, 4)),
        outputs(c.batch * c.out_height * c.out_width * c.out_channels) {}

  Conv2dArgs args(Staging& staging, GuardedBuffer<float>& y) const {
    float* out = staging.out(y) + t.offset;
    const float* added = t.residual == Residual::kNone    ? nullptr
                         : t.residual == Residual::kOther ? staging.in(residual) + t.offset
                                                          : out;
    return {staging.in(x) + t.offset,
            staging.in(weight) + t.offset,
            staging.in(bias) + t.offset,
            added,
            out,
            t.batch,
            t.height,
            t.width,
            t.channels,
            t.out_height,
            t.out_width,
            t.out_channels,
            t.kernel,
            t.kernel,
            t.stride,
            t.pad_top,
            t.pad_left,
            t.activation};
  }

  // `grant`: the workspace that it is given, of what it would like.
  std::vector<float> run_on_backend(double grant) const {
    GuardedBuffer<float> y(outputs + t.offset, 0);
    if (t.residual == Residual::kOutput) {
      for (int64_t i = 0; i < outputs; ++i) y[i + t.offset] = residual[i + t.offset];
    }
    Staging staging;
    Conv2dArgs a = args(staging, y);
    const auto bytes = static_cast<int64_t>(grant * static_cast<double>(conv2d_cudnn_workspace_bytes(a)));
    GuardedBuffer<float> workspace(bytes / 4 + 1);
    if (bytes > 0) {
      a.workspace = staging.out(workspace);
      a.workspace_bytes = bytes;
    }
    run(kernel, a, staging.stream());
    staging.finish();
    CHECK(y.guards_intact());
    CHECK(workspace.guards_intact());
    const std::vector<float> all = y.values();
    return {all.begin() + t.offset, all.end()};
  }

  void check(const std::vector<float>& y) const {
    const double terms = static_cast<double>(t.kernel * t.kernel * t.channels);
    int64_t wrong = 0;
    for (int64_t n = 0; n < outputs; ++n) {
      const int64_t o = n % t.out_channels, j = n / t.out_channels % t.out_width,
                    i = n / t.out_channels / t.out_width % t.out_height,
                    b = n / t.out_channels / t.out_width / t.out_height;
      const Element e = product(t, x.data() + t.offset, weight.data() + t.offset, b, i, j, o);
      const double added = t.residual == Residual::kNone ? 0 : residual[n + t.offset];
      const double exact = e.value + bias[o + t.offset] + added;
      // terms - 1 additions and terms products, each rounded; then two additions of what is added.
      const double tolerance =
          std::ldexp(terms * e.magnitude + 2 * (e.magnitude + std::abs(added) + std::abs(bias[o + t.offset])), -23);
      if (!(std::abs(y[n] - activate(exact, t.activation)) <= tolerance)) ++wrong;
    }
    CAPTURE(t.height);
    CAPTURE(t.channels);
    CAPTURE(t.out_channels);
    CAPTURE(t.kernel);
    CAPTURE(t.stride);
    CHECK(wrong == 0);
  }
};

std::vector<ConvCase> all_cases() {
  std::vector<ConvCase> cases = {
      same(1, 1, 1, 1, 1, 1, 1),         same(2, 5, 7, 3, 4, 1, 1),   same(1, 9, 8, 5, 6, 3, 1),
      same(2, 8, 9, 3, 32, 3, 2),        same(1, 6, 6, 4, 7, 5, 2),   same(1, 7, 4, 16, 8, 5, 1),
      same(0, 4, 4, 3, 2, 3, 1),         same(1, 8, 8, 24, 40, 1, 1), same(1, 3, 3, 2, 0, 3, 1),
      {1, 7, 9, 3, 5, 3, 2, 0, 0, 3, 4},  // no padding, the last row and column unused
      {1, 8, 8, 3, 5, 3, 2, 0, 0, 2, 2},  // fewer outputs than there could be
      {1, 4, 4, 2, 3, 3, 1, 2, 2, 6, 6},  // zeros on both sides
      {1, 4, 6, 2, 3, 3, 1, 1, 0, 5, 4},  // zeros behind the last row, none behind the last column
      {1, 4, 4, 2, 3, 2, 1, 0, 3, 3, 2},  // a column of windows outside the grid
      {1, 4, 4, 2, 3, 2, 1, 0, 2, 3, 1},  // all windows outside it
      {1, 4, 4, 2, 3, 2, 1, 3, 0, 1, 3},  // a window outside the grid
  };
  const size_t shapes = cases.size();
  for (size_t i = 0; i < shapes; ++i) {
    ConvCase t = cases[i];
    t.residual = i % 2 == 0 ? Residual::kOther : Residual::kOutput;
    t.activation = i % 3 == 0 ? ConvActivation::kRelu6 : ConvActivation::kRelu;
    cases.push_back(t);
    t.residual = i % 2 == 0 ? Residual::kOutput : Residual::kOther;
    t.offset = 1;
    cases.push_back(t);
  }
  return cases;
}

TEST_CASE("conv2d by cuDNN equals the definition with all the workspace it likes, with some, and with none") {
  for (const ConvCase& t : all_cases()) {
    const ConvData data(t);
    for (const double grant : {1.0, 0.5, 0.0}) data.check(data.run_on_backend(grant));
  }
}

TEST_CASE("conv2d by cuDNN gives the same bits in every run") {
  ConvCase t = same(2, 8, 8, 16, 8, 3, 1);
  t.activation = ConvActivation::kRelu6;
  const ConvData data(t);
  const std::vector<float> first = data.run_on_backend(1);
  for (int run = 0; run < 3; ++run) CHECK(data.run_on_backend(1) == first);
}

TEST_CASE("conv2d by cuDNN runs on the stream that it is given") {
  const ConvData data(same(1, 8, 8, 4, 4, 3, 1));
  cudaStream_t streams[2];
  for (cudaStream_t& stream : streams)
    REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  for (cudaStream_t stream : streams) {
    GuardedBuffer<float> y(data.outputs, 0);
    Staging staging;
    const Conv2dArgs args = data.args(staging, y);
    run(kernel, args, {Backend::kCuda, stream});
    // By the stream, and waiting for no other.
    std::vector<float> found(static_cast<size_t>(data.outputs));
    const size_t bytes = found.size() * sizeof(float);
    REQUIRE(cudaMemcpyAsync(found.data(), args.y, bytes, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
    REQUIRE(cudaStreamSynchronize(stream) == cudaSuccess);
    data.check(found);
  }
  for (cudaStream_t stream : streams) REQUIRE(cudaStreamDestroy(stream) == cudaSuccess);
}

TEST_CASE("conv2d by cuDNN keeps a NaN through each activation, in the windows that hold it and in no others") {
  for (const ConvActivation activation : {ConvActivation::kNone, ConvActivation::kRelu, ConvActivation::kRelu6}) {
    ConvCase t = same(1, 5, 5, 2, 3, 3, 1);
    t.activation = activation;
    ConvData data(t);
    data.x[(2 * 5 + 2) * 2] = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> y = data.run_on_backend(0);
    int64_t wrong = 0;
    for (int64_t n = 0; n < data.outputs; ++n) {
      const int64_t i = n / 3 / 5, j = n / 3 % 5;
      const bool near = std::abs(i - 2) <= 1 && std::abs(j - 2) <= 1;
      wrong += std::isnan(y[n]) != near;
    }
    CHECK(wrong == 0);
  }
}

}  // namespace
}  // namespace assay::kernels
