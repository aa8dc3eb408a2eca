// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/simt/options.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <thread>

#include "tests/cuda_sim/simt/thread.h"

namespace assay::cuda_sim {
namespace {

int64_t integer_from_environment(const char* name, int64_t fallback, int64_t low, int64_t high) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return fallback;
  errno = 0;
  char* end = nullptr;
  const long long value = std::strtoll(text, &end, 10);
  if (errno != 0 || *end != '\0' || value < low || value > high) {
    std::fprintf(stderr, "cuda_sim: %s=%s: expected an integer from %lld to %lld\n", name, text,
                 static_cast<long long>(low), static_cast<long long>(high));
    std::exit(2);
  }
  return value;
}

Options from_environment() {
  constexpr int64_t kAny = std::numeric_limits<int64_t>::max();
  Options read;
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  read.num_devices = static_cast<int>(integer_from_environment("ASSAY_SIM_DEVICES", 2, 0, kMaxDevices));
  read.seed = static_cast<uint64_t>(integer_from_environment("ASSAY_SIM_SEED", 0, 0, kAny));
  read.race = integer_from_environment("ASSAY_SIM_RACE", 0, 0, 1) != 0;
  read.memory_bytes =
      static_cast<size_t>(integer_from_environment("ASSAY_SIM_MEMORY", int64_t{8} << 30, 1 << 20, int64_t{192} << 30));
  read.num_threads = static_cast<int>(integer_from_environment("ASSAY_SIM_THREADS", cores > 0 ? cores : 1, 1, 1024));
  read.fail_launch = integer_from_environment("ASSAY_SIM_FAIL_LAUNCH", 0, 0, kAny);
  read.break_in_launch = integer_from_environment("ASSAY_SIM_BREAK_IN_LAUNCH", 0, 0, kAny);
  read.timeout_s = integer_from_environment("ASSAY_SIM_TIMEOUT", 300, 1, 1 << 30);
  return read;
}

}  // namespace

Options& options() {
  static Options* current = new Options(from_environment());
  return *current;
}

}  // namespace assay::cuda_sim
