// SPDX-License-Identifier: Apache-2.0
// What ends a process: reports that nobody took, kernels that never end or crash, and how it says so. Each case below
// that is skipped by default runs in a process of its own.
#include <cuda_runtime_api.h>
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/cuda_sim/faults/device_array.h"

namespace assay::cuda_sim {
namespace {

struct Ended {
  int code = -1;
  std::string output;
};

// Runs one of the skipped cases of this program.
Ended run_case(const std::string& name, const std::string& environment = "") {
  char self[4096] = {};
  REQUIRE(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
  const std::string command = "env -u XML_OUTPUT_FILE -u TESTBRIDGE_TEST_ONLY ASSAY_SIM_SEED=0 ASSAY_SIM_RACE=0 " +
                              environment + " '" + self + "' --no-skip --test-case='" + name + "' 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Ended ended;
  char text[512];
  while (std::fgets(text, sizeof text, pipe) != nullptr) ended.output += text;
  const int status = pclose(pipe);
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return ended;
}

bool has(const Ended& ended, const char* text) { return ended.output.find(text) != std::string::npos; }

constexpr int kFailed = 86;

TEST_CASE("child: a report is taken" * doctest::skip()) {
  const DeviceArray y(64);
  (void)launch(test_kernels().add_one, 1, 64, nullptr, y.data(), 64);
  (void)cudaDeviceSynchronize();
  take_reports();
}

TEST_CASE("child: a report isn't taken" * doctest::skip()) {
  const DeviceArray y(64);
  (void)launch(test_kernels().add_one, 1, 64, nullptr, y.data(), 64);
  CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
}

TEST_CASE("a process fails if nobody took a report, though its tests pass") {
  CHECK(run_case("child: a report is taken").code == 0);
  const Ended ended = run_case("child: a report isn?t taken");
  INFO(ended.output);
  CHECK(ended.code == kFailed);
  CHECK(has(ended, "cuda_sim: out of bounds: read of 4 bytes on device 0 at a null pointer"));
  CHECK(has(ended, "test_kernels.cu:"));
  CHECK(has(ended, "block (0, 0, 0), thread (0, 0, 0) of assay::cuda_sim::add_one_kernel"));
}

TEST_CASE("child: work that nobody waits for" * doctest::skip()) {
  float* y = nullptr;
  (void)cudaMalloc(reinterpret_cast<void**>(&y), 256);
  (void)launch(test_kernels().add_one, 1, 65, y, y, 65);
}

TEST_CASE("child: a launch that nobody asks about" * doctest::skip()) {
  float* y = nullptr;
  (void)cudaMalloc(reinterpret_cast<void**>(&y), 256);
  (void)launch(test_kernels().add_one, 1, 2000, y, y, 64);
}

TEST_CASE("pending work runs at the end of the process, and pending errors count") {
  const Ended late = run_case("child: work that nobody waits for");
  CHECK(late.code == kFailed);
  CHECK(has(late, "past the end of allocation"));
  const Ended unasked = run_case("child: a launch that nobody asks about");
  CHECK(unasked.code == kFailed);
  CHECK(has(unasked, "cudaErrorInvalidConfiguration"));
}

TEST_CASE("child: endless loop" * doctest::skip()) {
  const DeviceArray y(64);
  (void)launch(test_kernels().endless, 1, 1, y.data(), y.data(), 1);
  (void)cudaDeviceSynchronize();
}

TEST_CASE("child: large frame" * doctest::skip()) {
  const DeviceArray x(counting(64));
  const DeviceArray y(64);
  (void)launch(test_kernels().large_frame, 1, 1, x.data(), y.data(), 8);
  (void)cudaDeviceSynchronize();
}

TEST_CASE("a kernel that never ends, or overflows its stack, ends the process") {
  const Ended endless = run_case("child: endless loop", "ASSAY_SIM_TIMEOUT=1");
  CHECK(endless.code == kFailed);
  CHECK(has(endless, "deadlock: a thread runs for"));
  CHECK(has(endless, "endless_kernel"));
  const Ended overflow = run_case("child: large frame");
  INFO(overflow.output);
  CHECK(overflow.code == kFailed);
  CHECK(has(overflow, "a thread's stack overflows"));
  CHECK(has(overflow, "large_frame_kernel"));
}

TEST_CASE("child: printf" * doctest::skip()) {
  const DeviceArray x(counting(64));
  const DeviceArray y(64);
  (void)launch(test_kernels().print_numbers, 2, 64, x.data(), y.data(), 42);
  CHECK(y.download()[0] == 8.0f);
}

TEST_CASE("printf prints") {
  const Ended ended = run_case("child: printf");
  INFO(ended.output);
  CHECK(ended.code == 0);
  CHECK(has(ended, "<-42| 2.00|text|c|123456789abc|7   |%|    42>\n"));
}

TEST_CASE("child: no device" * doctest::skip()) {
  int count = -1;
  CHECK(cudaGetDeviceCount(&count) == cudaErrorNoDevice);
  CHECK(count == 0);
  void* pointer = nullptr;
  CHECK(cudaMalloc(&pointer, 4) == cudaErrorNoDevice);
}

TEST_CASE("the environment is obeyed, or refused") {
  CHECK(run_case("child: no device", "ASSAY_SIM_DEVICES=0").code == 0);
  const Ended refused = run_case("child: no device", "ASSAY_SIM_DEVICES=9");
  CHECK(refused.code == 2);
  CHECK(has(refused, "ASSAY_SIM_DEVICES=9: expected an integer from 0 to 8"));
  CHECK(run_case("child: no device", "ASSAY_SIM_SEED=5x").code == 2);
}

}  // namespace
}  // namespace assay::cuda_sim
