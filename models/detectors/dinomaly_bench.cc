// SPDX-License-Identifier: Apache-2.0
// Speed of a training step: bazel run //models/detectors:dinomaly_bench [-- threads [width [cells [batch [steps]]]]]
// Prints processor time, so that other programs on the machine do not count, and the share of the matrix products,
// which are timed alone with the same shapes.
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "engine/autograd/ops/map_cosine.h"
#include "engine/memory/usage.h"
#include "engine/ops/matmul.h"
#include "engine/optim/optimizer.h"
#include "kernels/base/parallel.h"
#include "kernels/random/generator.h"
#include "models/detectors/dinomaly_network.h"
#include "tools/bench/machine_limits.h"

namespace assay::models {
namespace {

double processor_seconds(const std::function<void()>& work) {
  const auto now = [] {
    timespec t = {};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  };
  const double begin = now();
  work();
  return now() - begin;
}

Tensor random_tensor(const Shape& shape, uint64_t stream) {
  const Tensor t = Tensor::empty<float>(shape, "bench");
  kernels::Generator generator(1, stream);
  for (int64_t i = 0; i < t.size(); ++i) t.data<float>()[i] = static_cast<float>(generator.normal());
  return t;
}

struct Product {
  int64_t in, out, times;  // of a Linear, and how many of them there are
};

// Forward, gradient of the input and gradient of the weight of each Linear: processor time.
double seconds_of_products(const std::vector<Product>& products, int64_t rows) {
  using ops::Transpose;
  double seconds = 0;
  for (const Product& p : products) {
    const Tensor x = random_tensor({rows, p.in}, 1), w = random_tensor({p.out, p.in}, 2),
                 g = random_tensor({rows, p.out}, 3);
    seconds += processor_seconds([&] {
      for (int64_t i = 0; i < p.times; ++i) {
        (void)ops::matmul(x, w, Transpose::kNo, Transpose::kYes);
        (void)ops::matmul(g, w, Transpose::kNo, Transpose::kNo);
        (void)ops::matmul(g, x, Transpose::kYes, Transpose::kNo);
      }
    });
  }
  return seconds;
}

int run(int64_t threads, int64_t width, int64_t cells, int64_t batch, int64_t steps) {
  set_num_threads(static_cast<int>(threads));
  const DinomalyShape shape = {width, 1, 8, dinomaly_heads(width), 0.2f};
  ParameterList parameters;
  const DinomalyNetwork network(&parameters, shape);
  parameters.initialise(1, Device::cpu());
  std::vector<autograd::Parameter*> list;
  for (int64_t i = 0; i < parameters.size(); ++i) list.push_back(&parameters.at(i));
  optim::Optimizer optimizer(list, optim::OptimizerOptions());
  const Tensor features = random_tensor({batch, cells, width}, 4);
  uint64_t step = 0;
  const auto train = [&] {
    autograd::Tape tape;
    const autograd::Var target = tape.constant(features);
    const Pass pass = {/*trains=*/true, 1, step++};
    tape.backward(autograd::map_cosine(target, network.forward({target}, pass)[0], 0.9, 0.1f));
    optimizer.step(1e-3);
  };
  train();
  const int64_t rows = batch * cells;
  const std::vector<Product> products = {{width, 4 * width, 1},
                                         {4 * width, width, 1},
                                         {width, 3 * width, shape.blocks},
                                         {width, width, shape.blocks},
                                         {width, 4 * width, shape.blocks},
                                         {4 * width, width, shape.blocks}};
  double flop = 0;
  for (const Product& p : products) {
    flop += 6.0 * static_cast<double>(rows) * static_cast<double>(p.in) * static_cast<double>(p.out) *
            static_cast<double>(p.times);
  }
  double step_seconds = 0, product_seconds = 0, peak = 0;
  for (int64_t i = 0; i < steps; ++i) {
    peak += bench::measure_fma_flop_per_s(bench::Clock::kCpu, 1);
    step_seconds += processor_seconds(train);
    product_seconds += seconds_of_products(products, rows);
  }
  step_seconds /= static_cast<double>(steps);
  product_seconds /= static_cast<double>(steps);
  peak /= static_cast<double>(steps);
  std::printf(
      "step of %lld x %lld cells, width %lld, %lld parameters: %.0f ms of processor time, %.1f GFLOP in matrix "
      "products\n",
      static_cast<long long>(batch), static_cast<long long>(cells), static_cast<long long>(width),
      static_cast<long long>(parameters.num_elements()), step_seconds * 1e3, flop * 1e-9);
  std::printf(
      "%.1f GFLOP/s of one core's %.1f measured: %.0f %%; the products alone %.0f %%, %.0f %% of the step's time\n",
      flop / step_seconds * 1e-9, peak * 1e-9, 100 * flop / step_seconds / peak, 100 * flop / product_seconds / peak,
      100 * product_seconds / step_seconds);
  std::printf("peak memory %.0f MiB\n", static_cast<double>(total_memory_usage(Device::cpu()).peak_bytes) / (1 << 20));
  return 0;
}

}  // namespace
}  // namespace assay::models

int main(int argc, char** argv) {
  int64_t values[] = {1, 112, 256, 16, 3};
  for (int i = 1; i < argc && i <= 5; ++i) values[i - 1] = std::atoll(argv[i]);
  return assay::models::run(values[0], values[1], values[2], values[3], values[4]);
}
