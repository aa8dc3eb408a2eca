// SPDX-License-Identifier: Apache-2.0
// Each planted fault in a kernel must be reported, at the right line, and its twin without the fault must not.
#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include "tests/cuda_sim/faults/device_array.h"

namespace assay::cuda_sim {
namespace {

constexpr int kN = 100;
constexpr uint64_t kSeeds[] = {0, 1, 77};

// Whether the line of a source file ends in "// fault".
bool is_marked(const std::string& file, uint32_t line) {
  std::ifstream source(file);
  std::string text;
  for (uint32_t number = 0; number < line; ++number) {
    if (!std::getline(source, text)) return false;
  }
  return text.size() >= 8 && text.compare(text.size() - 8, 8, "// fault") == 0;
}

void run(const FaultyKernel& test, bool is_faulty, uint64_t seed) {
  INFO(std::string(test.name), std::string(is_faulty ? " (faulty)" : " (clean)"), ", seed ", seed);
  set_seed(seed);
  set_race_detection(test.needs_race_detection);
  {
    // x has room for what blocks of more than n threads read.
    const DeviceArray x(counting(256));
    const DeviceArray y(kN + (test.num_threads == 128 && !test.needs_race_detection ? 0 : 28));
    if (test.has_y) CHECK_CUDA(cudaMemset(y.data(), 0, y.bytes()));
    CHECK_CUDA(launch(is_faulty ? test.faulty : test.clean, test.num_blocks, test.num_threads, x.data(), y.data(), kN,
                      nullptr, test.dynamic_shared_bytes));
    (void)cudaDeviceSynchronize();
    const std::vector<Report> reports = take_reports();
    if (!is_faulty) {
      for (const Report& report : reports)
        FAIL_CHECK(std::string(fault_name(report.fault)), ": ", report.text, " ", report.line);
    } else {
      CHECK(!reports.empty());
      bool has_fault = false;
      for (const Report& report : reports) {
        INFO(std::string(fault_name(report.fault)), ": ", report.text, ", ", report.file, ":", report.line);
        if (report.fault != test.fault) continue;
        has_fault = true;
        CHECK(is_marked(report.file, report.line));
        CHECK(report.kernel.find("<true>") != std::string::npos);
      }
      CHECK(has_fault);
    }
  }
  set_race_detection(false);
  set_seed(0);
}

void run_all(const std::vector<FaultyKernel>& tests) {
  for (const FaultyKernel& test : tests) {
    for (const uint64_t seed : kSeeds) {
      run(test, /*is_faulty=*/false, seed);
      run(test, /*is_faulty=*/true, seed);
    }
  }
}

TEST_CASE("faults in global memory are reported") { run_all(global_memory_faults()); }
TEST_CASE("faults in shared memory are reported") { run_all(shared_memory_faults()); }
TEST_CASE("races are reported whatever the order of threads") { run_all(race_faults()); }
TEST_CASE("faults of synchronisation are reported, none hangs") { run_all(synchronisation_faults()); }

TEST_CASE("a report names the block and the thread") {
  const DeviceArray x(counting(256));
  const DeviceArray y(130);
  CHECK_CUDA(launch(test_kernels().add_one, 2, 128, x.data(), y.data(), 131));
  CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
  const std::vector<Report> reports = expect_reports(Fault::kOutOfBounds);
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].block[0] == 1);
  CHECK(reports[0].thread[0] == 2);
  CHECK(reports[0].kernel.find("add_one_kernel") != std::string::npos);
}

TEST_CASE("a fault breaks the device until its report is taken") {
  const DeviceArray x(counting(256));
  const DeviceArray y(128);
  CHECK_CUDA(launch(test_kernels().add_one, 2, 128, x.data(), y.data(), 256));
  CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
  CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
  void* more = nullptr;
  CHECK(cudaMalloc(&more, 16) == cudaErrorIllegalAddress);
  CHECK(cudaGetLastError() == cudaErrorIllegalAddress);
  expect_reports(Fault::kOutOfBounds);
  CHECK_CUDA(cudaDeviceSynchronize());
  CHECK_CUDA(launch(test_kernels().add_one, 1, 128, x.data(), y.data(), 128));
  CHECK(y.download()[127] == 129.0f);
  expect_no_reports();
}

TEST_CASE("kernels may not use freed, foreign or host memory") {
  const DeviceArray x(counting(64));
  const DeviceArray y(64);
  const auto expect = [&](const float* from, Fault fault) {
    CHECK_CUDA(launch(test_kernels().add_one, 1, 64, from, y.data(), 64));
    CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
    expect_reports(fault);
  };
  float* freed = nullptr;
  CHECK_CUDA(cudaMalloc(reinterpret_cast<void**>(&freed), 256));
  CHECK_CUDA(cudaFree(freed));
  expect(freed, Fault::kFreedMemory);

  const std::vector<float> host = counting(64);
  expect(host.data(), Fault::kHostPointer);
  float* pinned = nullptr;
  CHECK_CUDA(cudaMallocHost(reinterpret_cast<void**>(&pinned), 256));
  expect(pinned, Fault::kHostPointer);
  CHECK_CUDA(cudaFreeHost(pinned));

  CHECK_CUDA(cudaSetDevice(1));
  {
    const DeviceArray foreign(counting(64));
    CHECK_CUDA(cudaSetDevice(0));
    expect(foreign.data(), Fault::kOtherDevice);
    CHECK_CUDA(cudaDeviceEnablePeerAccess(1, 0));
    CHECK(cudaDeviceEnablePeerAccess(1, 0) == cudaErrorPeerAccessAlreadyEnabled);
    CHECK_CUDA(launch(test_kernels().add_one, 1, 64, foreign.data(), y.data(), 64));
    CHECK(y.download()[63] == 65.0f);
    CHECK_CUDA(cudaDeviceDisablePeerAccess(1));
    expect(foreign.data(), Fault::kOtherDevice);
  }
  expect_no_reports();
}

TEST_CASE("results don't depend on seed or number of OS threads") {
  constexpr int kCount = 64 * 50;
  const DeviceArray x(counting(kCount));
  std::vector<float> expected(kCount);
  for (int i = 0; i < kCount; ++i) expected[i] = static_cast<float>(i / 64 * 64 + 64 - i % 64);
  for (const int num_threads : {1, 2, 5}) {
    for (const uint64_t seed : kSeeds) {
      set_num_threads(num_threads);
      set_seed(seed);
      const DeviceArray y(kCount);
      CHECK_CUDA(launch(test_kernels().reverse_in_blocks, 50, 64, x.data(), y.data(), kCount));
      CHECK(y.download() == expected);
    }
  }
  set_seed(0);
  expect_no_reports();
}

}  // namespace
}  // namespace assay::cuda_sim
