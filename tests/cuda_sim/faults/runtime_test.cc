// SPDX-License-Identifier: Apache-2.0
// The fake runtime without streams: memory, copies, launches, symbols, what devices say of themselves.
#include <cuda_runtime_api.h>
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <thread>

#include "tests/cuda_sim/faults/device_array.h"

namespace assay::cuda_sim {
namespace {

TEST_CASE("launches with bad configurations are errors") {
  const DeviceArray x(counting(64));
  const DeviceArray y(64);
  const auto result = [&](TestKernel kernel, dim3 grid, dim3 block, size_t shared_bytes) {
    const float* from = x.data();
    float* to = y.data();
    int n = 0;  // whatever the block is like, nobody writes
    void* arguments[] = {&from, &to, &n};
    const cudaError_t error =
        cudaLaunchKernel(reinterpret_cast<const void*>(kernel), grid, block, arguments, shared_bytes, nullptr);
    CHECK(cudaGetLastError() == error);
    CHECK_CUDA(cudaGetLastError());
    return error;
  };
  const TestKernels& kernels = test_kernels();
  CHECK(result(kernels.add_one, 0, 64, 0) == cudaErrorInvalidConfiguration);
  CHECK(result(kernels.add_one, 1, 0, 0) == cudaErrorInvalidConfiguration);
  CHECK(result(kernels.add_one, 1, 1025, 0) == cudaErrorInvalidConfiguration);
  CHECK(result(kernels.add_one, 1, dim3(32, 33), 0) == cudaErrorInvalidConfiguration);
  CHECK(result(kernels.add_one, 1, dim3(1, 1, 65), 0) == cudaErrorInvalidConfiguration);
  CHECK(result(kernels.add_one, dim3(1, 65536), 64, 0) == cudaErrorInvalidConfiguration);
  CHECK(result(kernels.add_one, dim3(1, 1, 65536), 64, 0) == cudaErrorInvalidConfiguration);
  CHECK(result(kernels.bounded_128, 1, 129, 0) == cudaErrorLaunchOutOfResources);
  CHECK(result(kernels.bounded_128, 1, 128, 0) == cudaSuccess);
  CHECK(result(kernels.add_one, 1, dim3(8, 8, 16), 0) == cudaSuccess);
  CHECK_CUDA(cudaDeviceSynchronize());
  expect_no_reports();
}

TEST_CASE("dynamic shared memory beyond 48 KiB must be asked for") {
  const TestKernel kernel = test_kernels().large_dynamic;
  const void* stub = reinterpret_cast<const void*>(kernel);
  const DeviceArray x(counting(1));
  const DeviceArray y(256);
  CHECK_CUDA(launch(kernel, 1, 256, x.data(), y.data(), 256, nullptr, 48 << 10));
  CHECK(launch(kernel, 1, 256, x.data(), y.data(), 256, nullptr, (48 << 10) + 4) == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue);
  CHECK(cudaFuncSetAttribute(stub, cudaFuncAttributeMaxDynamicSharedMemorySize, (227 << 10) + 1) ==
        cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue);
  CHECK_CUDA(cudaFuncSetAttribute(stub, cudaFuncAttributeMaxDynamicSharedMemorySize, 227 << 10));
  CHECK_CUDA(launch(kernel, 1, 256, x.data(), y.data(), 256, nullptr, 227 << 10));
  CHECK(y.download() == std::vector<float>(256, 1.0f));
  cudaFuncAttributes attributes;
  CHECK_CUDA(cudaFuncGetAttributes(&attributes, stub));
  CHECK(attributes.maxDynamicSharedSizeBytes == 227 << 10);
  int num_blocks = 0;
  CHECK_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&num_blocks, stub, 256, 227 << 10));
  CHECK(num_blocks == 1);
  CHECK_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&num_blocks, stub, 256, 0));
  CHECK(num_blocks == 4);  // 64 registers a thread: 65536 / (64 * 256)
  expect_no_reports();
}

TEST_CASE("a launch error that nobody asks for is reported at the next wait") {
  const DeviceArray x(counting(64));
  const DeviceArray y(64);
  (void)launch(test_kernels().add_one, 1, 2000, x.data(), y.data(), 64);
  CHECK_CUDA(cudaDeviceSynchronize());
  const std::vector<Report> reports = expect_reports(Fault::kLaunchUnchecked);
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].text.find("add_one_kernel") != std::string::npos);
}

TEST_CASE("a thread that waits does not answer for the launch of another, which may be about to ask") {
  const DeviceArray x(counting(64));
  const DeviceArray y(64);
  (void)launch(test_kernels().add_one, 1, 2000, x.data(), y.data(), 64);
  std::thread([] { CHECK_CUDA(cudaDeviceSynchronize()); }).join();
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  expect_no_reports();
}

TEST_CASE("the launch that a test orders to fail is refused, once") {
  const DeviceArray x(counting(64));
  const DeviceArray y(64);
  fail_launch(2);
  CHECK_CUDA(launch(test_kernels().add_one, 1, 64, x.data(), y.data(), 64));
  CHECK(launch(test_kernels().accumulate, 1, 64, x.data(), y.data(), 64) == cudaErrorLaunchOutOfResources);
  CHECK(cudaGetLastError() == cudaErrorLaunchOutOfResources);
  CHECK_CUDA(cudaGetLastError());
  CHECK_CUDA(launch(test_kernels().accumulate, 1, 64, x.data(), y.data(), 64));
  CHECK(y.download()[5] == 6 + 1 + 6);
  expect_no_reports();
}

TEST_CASE("the launch that a test orders to break its device does so when it runs, for good, and without a report") {
  const DeviceArray x(counting(64));
  const DeviceArray y(64);
  const DeviceArray z(64);
  break_in_launch(1);
  CHECK_CUDA(launch(test_kernels().add_one, 1, 64, x.data(), y.data(), 64));
  CHECK_CUDA(launch(test_kernels().add_one, 1, 64, x.data(), z.data(), 64));  // never runs
  CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
  CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
  CHECK(launch(test_kernels().add_one, 1, 64, x.data(), y.data(), 64) == cudaErrorIllegalAddress);
  expect_no_reports();  // and mends the device
  const std::vector<float> never_written = z.download();
  CHECK(std::all_of(never_written.begin(), never_written.end(), [](float v) { return std::isnan(v); }));
  CHECK_CUDA(launch(test_kernels().add_one, 1, 64, x.data(), y.data(), 64));
  CHECK(y.download()[5] == 7);
  expect_no_reports();
}

int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t total_pages = 0, resident_pages = 0;
  file >> total_pages >> resident_pages;
  return resident_pages * 4096;
}

TEST_CASE("what race detection knows of memory goes when the memory goes") {
  constexpr int kFloats = 10000;  // of no whole number of pages
  set_race_detection(true);
  int64_t after_few_rounds = 0;
  for (int round = 0; round < 100; ++round) {
    const DeviceArray x(counting(kFloats));
    const DeviceArray y(kFloats);
    CHECK_CUDA(launch(test_kernels().add_one, (kFloats + 63) / 64, 64, x.data(), y.data(), kFloats));
    CHECK(y.download()[17] == 19);
    if (round == 10) after_few_rounds = resident_bytes();
  }
  // 80 kB a round, sixteen times that in shadows: 115 MB if they stayed.
  CHECK(resident_bytes() - after_few_rounds < 30 << 20);
  set_race_detection(false);
  expect_no_reports();
}

TEST_CASE("memory ends where the limit says") {
  set_memory_limit(1 << 20);
  size_t free_bytes = 0;
  size_t total_bytes = 0;
  {
    const DeviceArray half(1 << 17);
    CHECK_CUDA(cudaMemGetInfo(&free_bytes, &total_bytes));
    CHECK(free_bytes == 1 << 19);
    CHECK(total_bytes == 1 << 20);
    CHECK(num_allocated_bytes(0) == 1 << 19);
    void* more = &free_bytes;
    CHECK(cudaMalloc(&more, (1 << 19) + 1) == cudaErrorMemoryAllocation);
    CHECK(more == nullptr);
    CHECK(cudaGetLastError() == cudaErrorMemoryAllocation);
    CHECK_CUDA(cudaMalloc(&more, 1 << 19));
    CHECK_CUDA(cudaFree(more));
  }
  CHECK(num_allocated_bytes(0) == 0);
  set_memory_limit(size_t{8} << 30);
  expect_no_reports();
}

TEST_CASE("the n-th allocation fails once") {
  fail_allocation(2);
  void* pointers[3] = {};
  CHECK_CUDA(cudaMalloc(&pointers[0], 16));
  CHECK(cudaMalloc(&pointers[1], 16) == cudaErrorMemoryAllocation);
  CHECK_CUDA(cudaMalloc(&pointers[2], 16));
  CHECK(cudaGetLastError() == cudaErrorMemoryAllocation);
  CHECK_CUDA(cudaFree(pointers[0]));
  CHECK_CUDA(cudaFree(pointers[2]));
  expect_no_reports();
}

TEST_CASE("fresh memory is NaN and aligned to 256 bytes") {
  const DeviceArray y(7);
  CHECK(reinterpret_cast<uintptr_t>(y.data()) % 256 == 0);
  for (const float value : y.download()) CHECK(std::isnan(value));
}

// Of this process, in KiB.
int64_t most_resident() {
  rusage usage = {};
  REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
  return usage.ru_maxrss;
}

TEST_CASE("a large allocation is fresh all over, and costs memory only where it is written to") {
  const size_t bytes = (size_t{20} << 30) + 5;
  set_memory_limit(size_t{32} << 30);
  const DeviceArray before(3);
  const int64_t resident = most_resident();
  unsigned char* pointer = nullptr;
  CHECK_CUDA(cudaMalloc(reinterpret_cast<void**>(&pointer), bytes));
  const DeviceArray after(3);
  const auto byte_at = [&](size_t at) {
    unsigned char byte = 0;
    CHECK_CUDA(cudaMemcpy(&byte, pointer + at, 1, cudaMemcpyDeviceToHost));
    return static_cast<int>(byte);
  };
  const size_t places[] = {0, 4095, 4096, size_t{16} << 20, size_t{10} << 30, bytes - 4097, bytes - 1};
  for (const size_t at : places) CHECK(byte_at(at) == 0xff);
  for (const size_t at : places) CHECK_CUDA(cudaMemset(pointer + at, 7, 1));
  for (const size_t at : places) CHECK(byte_at(at) == 7);
  CHECK(byte_at(1) == 0xff);
  CHECK(byte_at(bytes - 2) == 0xff);
  CHECK(byte_at(size_t{32} << 20) == 0xff);  // the same page of the same file as one that was written
  CHECK(num_allocated_bytes(0) == bytes + 6 * sizeof(float));
  CHECK_CUDA(cudaFree(pointer));
  CHECK(most_resident() - resident < 512 << 10);  // the table of what may be touched has 160 MiB
  for (const DeviceArray* beside : {&before, &after}) {
    for (const float value : beside->download()) CHECK(std::isnan(value));
  }
  set_memory_limit(size_t{8} << 30);
  expect_no_reports();
}

TEST_CASE("freeing twice, or what is no allocation, is reported") {
  float* pointer = nullptr;
  CHECK_CUDA(cudaMalloc(reinterpret_cast<void**>(&pointer), 64));
  CHECK(cudaFree(pointer + 1) == cudaErrorInvalidValue);
  expect_reports(Fault::kBadCall);
  CHECK_CUDA(cudaFree(pointer));
  CHECK(cudaFree(pointer) == cudaErrorInvalidValue);
  expect_reports(Fault::kFreedMemory);
  CHECK_CUDA(cudaFree(nullptr));
  int on_stack = 0;
  CHECK(cudaFreeHost(&on_stack) == cudaErrorInvalidValue);
  expect_reports(Fault::kBadCall);
}

TEST_CASE("writing beside an allocation from the host is seen when it is freed") {
  float* pointer = nullptr;
  CHECK_CUDA(cudaMalloc(reinterpret_cast<void**>(&pointer), 64));
  std::memset(pointer + 16, 0, 1);
  CHECK_CUDA(cudaFree(pointer));
  expect_reports(Fault::kOutOfBounds);
}

TEST_CASE("copies out of bounds, of freed memory and in the wrong direction are reported") {
  std::vector<float> host(65);
  const DeviceArray x(counting(64));
  CHECK(cudaMemcpy(host.data(), x.data(), 65 * 4, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  expect_reports(Fault::kOutOfBounds);
  CHECK(cudaMemcpy(x.data() + 1, host.data(), 64 * 4, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  expect_reports(Fault::kOutOfBounds);
  CHECK(cudaMemcpy(x.data(), host.data(), 64, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  expect_reports(Fault::kBadCall);
  CHECK(cudaMemset(x.data(), 0, 257) == cudaErrorInvalidValue);
  expect_reports(Fault::kOutOfBounds);
  void* freed = nullptr;
  CHECK_CUDA(cudaMalloc(&freed, 64));
  CHECK_CUDA(cudaFree(freed));
  CHECK(cudaMemcpy(host.data(), freed, 64, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  expect_reports(Fault::kFreedMemory);
  CHECK_CUDA(cudaMemcpy(host.data(), x.data(), 64 * 4, cudaMemcpyDefault));
  CHECK(host[63] == 64.0f);
  expect_no_reports();
}

TEST_CASE("rows with a pitch are copied and set") {
  const DeviceArray x(5 * 8);
  CHECK_CUDA(cudaMemset(x.data(), 0, x.bytes()));
  const std::vector<float> rows = counting(5 * 3);
  CHECK_CUDA(cudaMemcpy2D(x.data() + 1, 8 * 4, rows.data(), 3 * 4, 3 * 4, 5, cudaMemcpyHostToDevice));
  CHECK_CUDA(cudaMemset2D(x.data() + 5, 8 * 4, 0xff, 4, 5));
  const std::vector<float> all = x.download();
  for (size_t row = 0; row < 5; ++row) {
    for (size_t column = 0; column < 8; ++column) {
      const float value = all[row * 8 + column];
      if (column >= 1 && column < 4) {
        CHECK(value == rows[row * 3 + column - 1]);
      } else if (column == 5) {
        CHECK(std::isnan(value));
      } else {
        CHECK(value == 0.0f);
      }
    }
  }
  CHECK(cudaMemcpy2D(x.data(), 8, rows.data(), 12, 12, 2, cudaMemcpyHostToDevice) == cudaErrorInvalidPitchValue);
  CHECK(cudaGetLastError() == cudaErrorInvalidPitchValue);
  // The last row ends outside.
  CHECK(cudaMemcpy2D(x.data() + 6, 32, rows.data(), 12, 12, 5, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  expect_reports(Fault::kOutOfBounds);
}

TEST_CASE("a constant has its first value, and can be copied to and from") {
  const DeviceArray x(counting(64));
  const DeviceArray y(64);
  const TestKernels& kernels = test_kernels();
  CHECK_CUDA(launch(kernels.scale_by_symbol, 1, 64, x.data(), y.data(), 64));
  CHECK(y.download()[63] == 128.0f);
  const float three = 3.0f;
  CHECK_CUDA(cudaMemcpyToSymbol(kernels.factor_symbol, &three, 4, 0, cudaMemcpyHostToDevice));
  CHECK_CUDA(launch(kernels.scale_by_symbol, 1, 64, x.data(), y.data(), 64));
  CHECK(y.download()[63] == 192.0f);
  float read = 0.0f;
  CHECK_CUDA(cudaMemcpyFromSymbol(&read, kernels.factor_symbol, 4, 0, cudaMemcpyDeviceToHost));
  CHECK(read == 3.0f);
  // Each device has its own.
  CHECK_CUDA(cudaSetDevice(1));
  CHECK_CUDA(cudaMemcpyFromSymbol(&read, kernels.factor_symbol, 4, 0, cudaMemcpyDeviceToHost));
  CHECK_CUDA(cudaSetDevice(0));
  CHECK(read == 2.0f);
  CHECK(cudaMemcpyToSymbol(kernels.factor_symbol, &three, 4, 1, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  expect_reports(Fault::kOutOfBounds);
  CHECK(cudaMemcpyToSymbol(&read, &three, 4, 0, cudaMemcpyHostToDevice) == cudaErrorInvalidSymbol);
  expect_reports(Fault::kBadCall);
  const float two = 2.0f;
  CHECK_CUDA(cudaMemcpyToSymbol(kernels.factor_symbol, &two, 4, 0, cudaMemcpyHostToDevice));
}

TEST_CASE("a kernel may not write a constant") {
  set_race_detection(true);
  {
    const DeviceArray x(counting(1));
    float* factor = nullptr;
    CHECK_CUDA(cudaGetSymbolAddress(reinterpret_cast<void**>(&factor), test_kernels().factor_symbol));
    CHECK_CUDA(launch(test_kernels().add_one, 1, 1, x.data(), factor, 1));
    CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
    expect_reports(Fault::kReadOnly);
  }
  set_race_detection(false);
}

TEST_CASE("pointers say where they are from") {
  cudaPointerAttributes attributes;
  const DeviceArray x(4);
  CHECK_CUDA(cudaPointerGetAttributes(&attributes, x.data() + 1));
  CHECK(attributes.type == cudaMemoryTypeDevice);
  CHECK(attributes.device == 0);
  CHECK(attributes.devicePointer == x.data() + 1);
  void* pinned = nullptr;
  CHECK_CUDA(cudaHostAlloc(&pinned, 64, cudaHostAllocDefault));
  CHECK_CUDA(cudaPointerGetAttributes(&attributes, pinned));
  CHECK(attributes.type == cudaMemoryTypeHost);
  CHECK_CUDA(cudaFreeHost(pinned));
  int on_stack = 0;
  CHECK_CUDA(cudaPointerGetAttributes(&attributes, &on_stack));
  CHECK(attributes.type == cudaMemoryTypeUnregistered);
  CHECK_CUDA(cudaHostRegister(&on_stack, 4, cudaHostRegisterDefault));
  CHECK(cudaHostRegister(&on_stack, 4, cudaHostRegisterDefault) == cudaErrorHostMemoryAlreadyRegistered);
  CHECK_CUDA(cudaPointerGetAttributes(&attributes, &on_stack));
  CHECK(attributes.type == cudaMemoryTypeHost);
  CHECK_CUDA(cudaHostUnregister(&on_stack));
  expect_no_reports();
}

TEST_CASE("devices describe themselves, and there are as many as asked for") {
  int count = 0;
  CHECK_CUDA(cudaGetDeviceCount(&count));
  CHECK(count == 2);
  cudaDeviceProp properties;
  CHECK_CUDA(cudaGetDeviceProperties(&properties, 1));
  CHECK(properties.major == 9);
  CHECK(properties.multiProcessorCount == 132);
  int value = 0;
  CHECK_CUDA(cudaDeviceGetAttribute(&value, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0));
  CHECK(value == 227 << 10);
  CHECK(static_cast<int>(properties.sharedMemPerBlockOptin) == value);
  CHECK(cudaSetDevice(2) == cudaErrorInvalidDevice);
  CHECK(cudaGetDeviceProperties(&properties, -1) == cudaErrorInvalidDevice);
  CHECK(cudaGetLastError() == cudaErrorInvalidDevice);
  // Every OS thread has its own current device.
  CHECK_CUDA(cudaSetDevice(1));
  int other = -1;
  std::thread([&] { (void)cudaGetDevice(&other); }).join();
  CHECK(other == 0);
  CHECK_CUDA(cudaSetDevice(0));
}

TEST_CASE("memory is copied between devices with and without peer access") {
  const DeviceArray x(counting(64));
  CHECK_CUDA(cudaSetDevice(1));
  {
    const DeviceArray y(64);
    CHECK_CUDA(cudaMemcpyPeer(y.data(), 1, x.data(), 0, 256));
    CHECK(y.download() == counting(64));
    CHECK(cudaMemcpyPeer(y.data(), 0, x.data(), 0, 256) == cudaErrorInvalidValue);
    expect_reports(Fault::kBadCall);
  }
  CHECK_CUDA(cudaSetDevice(0));
  expect_no_reports();
}

TEST_CASE("launches are counted when they run") {
  const DeviceArray x(counting(64));
  const DeviceArray y(64);
  const int64_t before = num_launches();
  for (int i = 0; i < 3; ++i) CHECK_CUDA(launch(test_kernels().add_one, 1, 64, x.data(), y.data(), 64));
  CHECK_CUDA(cudaDeviceSynchronize());
  CHECK(num_launches() == before + 3);
}

TEST_CASE("memory that is handed out again can be declared uninitialised") {
  set_race_detection(true);
  {
    const DeviceArray x(counting(64));
    const DeviceArray y(64);
    CHECK_CUDA(launch(test_kernels().add_one, 1, 64, x.data(), y.data(), 64));
    CHECK_CUDA(cudaDeviceSynchronize());
    expect_no_reports();
    mark_uninitialised(x.data() + 32, 128);
    CHECK_CUDA(launch(test_kernels().add_one, 1, 32, x.data(), y.data(), 32));
    CHECK_CUDA(cudaDeviceSynchronize());
    expect_no_reports();
    CHECK_CUDA(launch(test_kernels().add_one, 1, 64, x.data(), y.data(), 64));
    CHECK_CUDA(cudaDeviceSynchronize());
    expect_reports(Fault::kUninitialised);
  }
  set_race_detection(false);
}

TEST_CASE("what was never written stays so through a copy between devices") {
  set_race_detection(true);
  {
    const DeviceArray half(128);
    CHECK_CUDA(cudaMemcpy(half.data(), counting(64).data(), 256, cudaMemcpyHostToDevice));
    const DeviceArray copy(128);
    CHECK_CUDA(cudaMemcpy(copy.data(), half.data(), 512, cudaMemcpyDeviceToDevice));
    const DeviceArray y(128);
    CHECK_CUDA(launch(test_kernels().add_one, 1, 64, copy.data(), y.data(), 64));
    CHECK_CUDA(cudaDeviceSynchronize());
    expect_no_reports();
    CHECK_CUDA(launch(test_kernels().add_one, 1, 65, copy.data(), y.data(), 65));
    CHECK_CUDA(cudaDeviceSynchronize());
    expect_reports(Fault::kUninitialised);
  }
  set_race_detection(false);
}

}  // namespace
}  // namespace assay::cuda_sim
