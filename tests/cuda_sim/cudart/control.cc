// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/control.h"

#include <cstring>
#include <utility>

#include "tests/cuda_sim/cudart/launches.h"
#include "tests/cuda_sim/cudart/memory.h"
#include "tests/cuda_sim/cudart/runtime.h"
#include "tests/cuda_sim/cudart/work.h"
#include "tests/cuda_sim/simt/memory_map.h"
#include "tests/cuda_sim/simt/options.h"
#include "tests/cuda_sim/simt/race.h"
#include "tests/cuda_sim/simt/report.h"

namespace assay::cuda_sim {
namespace {

using Guard = std::lock_guard<std::recursive_mutex>;

}  // namespace

std::vector<Report> take_reports() {
  const Guard lock(runtime_mutex());
  std::vector<Report> reports = drain_reports();
  mend_devices();
  return reports;
}

void set_seed(uint64_t seed) {
  const Guard lock(runtime_mutex());
  run_everything();
  options().seed = seed;
}

void set_race_detection(bool on) {
  const Guard lock(runtime_mutex());
  run_everything();
  if (on && !options().race) count_existing_memory_as_written();
  options().race = on;
}

void set_memory_limit(size_t bytes) {
  const Guard lock(runtime_mutex());
  run_everything();
  options().memory_bytes = bytes;
}

void set_num_threads(int num_threads) {
  const Guard lock(runtime_mutex());
  run_everything();
  options().num_threads = num_threads;
}

void fail_allocation(int64_t n) {
  const Guard lock(runtime_mutex());
  run_everything();
  deny_allocation(n);
}

void fail_launch(int64_t n) {
  const Guard lock(runtime_mutex());
  options().fail_launch = n;
}

void break_in_launch(int64_t n) {
  const Guard lock(runtime_mutex());
  options().break_in_launch = n;
}

int64_t num_launches() {
  const Guard lock(runtime_mutex());
  return count_launches();
}

size_t num_allocated_bytes(int device) {
  const Guard lock(runtime_mutex());
  run_everything();
  return num_used_bytes(device);
}

void mark_uninitialised(void* pointer, size_t bytes) {
  const Guard lock(runtime_mutex());
  run_everything();
  const auto address = reinterpret_cast<uint64_t>(pointer);
  if (!is_usable(address, bytes)) {
    report_host(Fault::kBadCall, "mark_uninitialised: %zu bytes at %s", bytes, describe_address(address).c_str());
    return;
  }
  std::memset(pointer, 0xff, bytes);
  if (options().race) forget_global(address, bytes);
}

}  // namespace assay::cuda_sim
