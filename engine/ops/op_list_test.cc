// SPDX-License-Identifier: Apache-2.0
// Walks the op list: kernels for every backend, and what an op does where an allocation fails or its inputs lie apart.
#include "engine/ops/op_list.h"

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/device/cuda_api.h"
#include "engine/ops/batch_norm_apply.h"
#include "engine/ops/convert_bfloat16.h"
#include "engine/ops/convert_float16.h"
#include "engine/ops/coreset_greedy.h"
#include "engine/ops/gather.h"
#include "engine/ops/gaussian_blur.h"
#include "engine/ops/matmul.h"
#include "engine/ops/nearest_neighbour.h"
#include "engine/ops/neighbourhood_mean.h"
#include "engine/ops/position_gaussians.h"
#include "engine/ops/resize.h"
#include "engine/ops/resize_bicubic.h"
#include "engine/ops/resize_bilinear.h"
#include "engine/ops/row_ops.h"
#include "engine/ops/segment_minimum.h"
#include "engine/ops/top_k_neighbours.h"
#include "tests/support/test_device.h"

namespace assay::ops {
namespace {

using testing::matrix;
using testing::tensor_of;
using testing::values_of;

// One call of an op on tensors made beforehand; returns its outputs.
using Call = std::function<std::vector<Tensor>()>;

// Made anew for each test, on the test device.
std::map<std::string, Call> examples() {
  const Tensor rows = matrix(5, 3, {0, 1, 2, 5, 5, 5, 1, 1, 1, 9, 8, 7, 3, 0, 3});
  const Tensor queries = matrix(2, 3, {0, 1, 1, 8, 8, 8});
  const Tensor grid = tensor_of<float>({2, 3, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  const Tensor map = matrix(3, 4, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  const Tensor image = tensor_of<uint8_t>({2, 2, 3}, {0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110});
  const Tensor mask = tensor_of<uint8_t>({2, 2}, {0, 1, 1, 0});
  const Tensor samples = tensor_of<float>({3, 1, 2}, {1, 2, 3, 5, 4, 1});
  const Tensor half = to_float16(rows), brief = to_bfloat16(rows);
  const PackedBank bank(rows);
  const Tensor offsets = Tensor::zeros<int64_t>({3}, "test");
  offsets.data<int64_t>()[1] = 2;
  offsets.data<int64_t>()[2] = 5;
  const auto gaussians = [samples] {
    GaussianAccumulator accumulator(1, 2, testing::test_device());
    accumulator.add(samples);
    return std::move(accumulator).finish(0.1);
  };
  const PositionGaussians fitted = gaussians();
  const Tensor index = tensor_of<int64_t>({2}, {2, 0});
  const Tensor index_columns = gather_columns(rows, index);
  return {
      {"add_row",
       [=] {
         const Tensor y = rows.clone("test");
         add_row(y, matrix(1, 3, {1, 2, 3}).reshape({3}));
         return std::vector<Tensor>{y};
       }},
      {"gather_columns", [=] { return std::vector<Tensor>{gather_columns(rows, index)}; }},
      {"gather_rows", [=] { return std::vector<Tensor>{gather_rows(rows, index)}; }},
      {"normalise_rows",
       [=] {
         const Tensor y = rows.clone("test");
         normalise_rows(rows, y, 0);
         return std::vector<Tensor>{y};
       }},
      {"place_columns",
       [=] {
         const Tensor y = rows.clone("test");
         place_columns(index_columns, y, 1);
         return std::vector<Tensor>{y};
       }},
      {"antialias_resize", [=] { return std::vector<Tensor>{antialias_resize(image, 1, 1)}; }},
      {"batch_norm_apply",
       [=] {
         const Tensor channel = tensor_of<float>({3}, {1, 2, 3});
         return std::vector<Tensor>{batch_norm_apply(rows, channel, channel, channel, channel, 1e-5f)};
       }},
      {"coreset_greedy",
       [=] {
         const Coreset c = coreset_greedy(rows, 3, 0);
         return std::vector<Tensor>{c.index, c.radius2};
       }},
      {"gaussian_blur", [=] { return std::vector<Tensor>{gaussian_blur(map, 0.7)}; }},
      {"mahalanobis",
       [=] {
         return std::vector<Tensor>{mahalanobis(fitted, matrix(1, 2, {3, 3}))};
       }},
      {"matmul", [=] { return std::vector<Tensor>{matmul(queries, rows, Transpose::kNo, Transpose::kYes)}; }},
      {"nearest_neighbour",
       [=] {
         const NearestNeighbour n = nearest_neighbour(queries, bank);
         return std::vector<Tensor>{n.distance2, n.index};
       }},
      {"nearest_resize", [=] { return std::vector<Tensor>{nearest_resize(mask, 3, 3)}; }},
      {"neighbourhood_mean", [=] { return std::vector<Tensor>{neighbourhood_mean(grid, 3)}; }},
      {"packed_bank", [=] { return std::vector<Tensor>{PackedBank(rows).panels()}; }},
      {"position_gaussians",
       [=] {
         const PositionGaussians g = gaussians();
         return std::vector<Tensor>{g.mean, g.cholesky};
       }},
      {"resize_bicubic", [=] { return std::vector<Tensor>{resize_bicubic(grid, 5, 4, 0.4, 0.75)}; }},
      {"resize_bilinear", [=] { return std::vector<Tensor>{resize_bilinear(grid, 5, 4)}; }},
      {"segment_minimum", [=] { return std::vector<Tensor>{segment_minimum(queries, bank, offsets)}; }},
      {"from_bfloat16", [=] { return std::vector<Tensor>{from_bfloat16(brief)}; }},
      {"to_bfloat16", [=] { return std::vector<Tensor>{to_bfloat16(rows)}; }},
      {"to_float16", [=] { return std::vector<Tensor>{to_float16(rows)}; }},
      {"to_float32", [=] { return std::vector<Tensor>{to_float32(half)}; }},
      {"top_k_neighbours",
       [=] {
         const TopKNeighbours n = top_k_neighbours(queries, bank, 2);
         return std::vector<Tensor>{n.distance2, n.index};
       }},
  };
}

std::vector<std::vector<std::byte>> bytes_of(const std::vector<Tensor>& tensors) {
  std::vector<std::vector<std::byte>> bytes;
  for (const Tensor& t : tensors) {
    const Tensor host = testing::on_host(t);
    bytes.emplace_back(host.raw(), host.raw() + host.bytes());
  }
  return bytes;
}

TEST_CASE("every op has kernels for the CPU and, in a build with CUDA, for it") {
  std::set<std::string> names;
  for (const ListedOp& op : op_list()) {
    CAPTURE(std::string(op.name));
    CHECK(names.insert(op.name).second);
    CHECK(!op.kernels.empty());
    for (const ListedKernel& kernel : op.kernels) {
      CAPTURE(std::string(kernel.name));
      CHECK(kernel.has_cpu);
      CHECK(kernel.has_cuda == cuda_api::is_in_build());
    }
  }
}

TEST_CASE("every op has an example here, which gives the same bits twice, on the device of its inputs") {
  const auto calls = examples();
  for (const ListedOp& op : op_list()) {
    CAPTURE(std::string(op.name));
    REQUIRE(calls.count(op.name) == 1);
    const std::vector<Tensor> first = calls.at(op.name)();
    for (const Tensor& t : first) CHECK(t.device() == testing::test_device());
    CHECK(bytes_of(first) == bytes_of(calls.at(op.name)()));
  }
  CHECK(calls.size() == op_list().size());
}

TEST_CASE("an op that finds no memory says so, keeps none, and works the next time") {
  const Device device = testing::test_device();
  const auto calls = examples();
  for (const auto& [name, call] : calls) {
    CAPTURE(name);
    const auto expected = bytes_of(call());
    const int64_t live = total_memory_usage(device).live_bytes;
    const int64_t live_on_host = total_memory_usage(Device::cpu()).live_bytes;
    int failures = 0;
    for (bool succeeded = false; !succeeded;) {
      fail_nth_allocation(failures + 1);
      try {
        call();
        succeeded = true;
      } catch (const OutOfMemory& error) {
        ++failures;
        CHECK(std::string(error.what()).find("out of memory") != std::string::npos);
      }
      fail_nth_allocation(0);
      CHECK(total_memory_usage(device).live_bytes == live);
      CHECK(total_memory_usage(Device::cpu()).live_bytes == live_on_host);
      REQUIRE(failures < 20);
    }
    CHECK(failures >= 1);
    CHECK(bytes_of(call()) == expected);
  }
}

TEST_CASE("inputs on different devices are refused by name") {
  if (!testing::on_cuda()) return;  // takes two devices
  const Tensor here = matrix(1, 2, {1, 2});
  const Tensor there = here.to(Device::cpu(), "test");
  CHECK_THROWS_WITH(matmul(here, there, Transpose::kNo, Transpose::kYes), "matmul: b lies on cpu, a on cuda:0");
  CHECK_THROWS_WITH(nearest_neighbour(there, PackedBank(here)),
                    "nearest_neighbour: bank lies on cuda:0, queries on cpu");
  CHECK_THROWS_WITH(top_k_neighbours(there, PackedBank(here), 1),
                    "top_k_neighbours: bank lies on cuda:0, queries on cpu");
  const Tensor offsets = Tensor::zeros<int64_t>({2}, "test");
  offsets.data<int64_t>()[1] = 1;
  CHECK_THROWS_WITH(segment_minimum(there, PackedBank(here), offsets),
                    "segment_minimum: references lies on cuda:0, queries on cpu");
  GaussianAccumulator accumulator(1, 2, testing::test_device());
  CHECK_THROWS_WITH(accumulator.add(there.reshape({1, 1, 2})),
                    "GaussianAccumulator: samples lie on cpu, expected cuda:0");
}

TEST_CASE("two GPUs give the same bits, and their tensors do not mix") {
  if (!testing::on_cuda()) return;  // takes two GPUs
  if (!devices_from_name("cuda:1").ok()) return;
  const Tensor a = matrix(2, 2, {1, 2, 3, 4});
  const Tensor b = a.to(Device::cuda(1), "test");
  CHECK(values_of<float>(matmul(a, a)) == values_of<float>(matmul(b, b)));
  CHECK(matmul(b, b).device() == Device::cuda(1));
  CHECK_THROWS_WITH(matmul(a, b), "matmul: b lies on cuda:1, a on cuda:0");
}

}  // namespace
}  // namespace assay::ops
