// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/cudart/runtime.h"

#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "tests/cuda_sim/cudart/work.h"
#include "tests/cuda_sim/simt/options.h"
#include "tests/cuda_sim/simt/registry.h"
#include "tests/cuda_sim/simt/report.h"

namespace assay::cuda_sim {
namespace {

thread_local int device_of_thread = 0;
thread_local cudaError_t last_error = cudaSuccess;
thread_local bool is_in_callback = false;

// The last launch of each thread that failed and that it has not asked about. One for all to read at the process' end.
std::map<std::thread::id, std::string>& unasked_launches() {
  static auto* launches = new std::map<std::thread::id, std::string>;
  return *launches;
}

void report_unasked(const std::string& launch, const char* function) {
  report_host(Fault::kLaunchUnchecked, "the launch of %s; %s comes before cudaGetLastError()", launch.c_str(),
              function);
}

cudaError_t device_errors[8] = {};

cudaError_t error_of(Fault fault) {
  switch (fault) {
    case Fault::kOutOfBounds:
    case Fault::kFreedMemory:
    case Fault::kOtherDevice:
    case Fault::kHostPointer:
    case Fault::kReadOnly:
      return cudaErrorIllegalAddress;
    case Fault::kMisaligned:
      return cudaErrorMisalignedAddress;
    case Fault::kAssert:
      return cudaErrorAssert;
    case Fault::kUnsupported:
      return cudaErrorIllegalInstruction;
    case Fault::kDeadlock:
      return cudaErrorLaunchTimeout;
    default:
      return cudaErrorLaunchFailure;
  }
}

// The end of the process: work that nobody waited for runs now, so that its faults are seen.
void finish_process() {
  std::lock_guard<std::recursive_mutex> lock(runtime_mutex());
  run_everything();
  for (const auto& [thread, launch] : unasked_launches()) report_unasked(launch, "the end of the process");
}

// Handlers run in reverse order of registration; these come before those of any static object, so they run after its
// destructor. The one of the reports is last of all.
[[gnu::constructor(101)]] void watch_end_of_process() {
  drain_reports();
  std::atexit(finish_process);
}

}  // namespace

std::recursive_mutex& runtime_mutex() {
  static auto* mutex = new std::recursive_mutex;
  return *mutex;
}

Lock::Lock(const char* function) : lock_(runtime_mutex()) {
  place_variables(options().num_devices);
  if (is_in_callback) {
    report_host(Fault::kBadCall, "%s in a callback of cudaLaunchHostFunc, where no call is allowed", function);
    error_ = cudaErrorNotPermitted;
  } else if (num_devices() == 0) {
    error_ = remember(cudaErrorNoDevice);
  } else if (device_errors[device_of_thread] != cudaSuccess) {
    error_ = remember(device_errors[device_of_thread]);
  }
}

HostCallback::HostCallback() { is_in_callback = true; }
HostCallback::~HostCallback() { is_in_callback = false; }

cudaError_t remember(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

cudaError_t remember_launch(cudaError_t error, const char* kernel) {
  if (error == cudaSuccess) return error;
  unasked_launches()[std::this_thread::get_id()] = demangled(kernel) + ": " + cudaGetErrorName(error);
  return remember(error);
}

void check_launches_were_asked_for(const char* function) {
  const auto launch = unasked_launches().find(std::this_thread::get_id());
  if (launch == unasked_launches().end()) return;
  report_unasked(launch->second, function);
  unasked_launches().erase(launch);
}

void break_device(int device, Fault fault) {
  if (device_errors[device] == cudaSuccess) device_errors[device] = error_of(fault);
}

void mend_devices() {
  for (cudaError_t& error : device_errors) error = cudaSuccess;
  last_error = cudaSuccess;
  unasked_launches().clear();
}

cudaError_t device_error(int device) { return device_errors[device]; }

int num_devices() { return options().num_devices; }
int current_device() { return device_of_thread; }

cudaError_t check_device(int device) {
  if (num_devices() == 0) return cudaErrorNoDevice;
  return device >= 0 && device < num_devices() ? cudaSuccess : cudaErrorInvalidDevice;
}

}  // namespace assay::cuda_sim

using namespace assay::cuda_sim;  // NOLINT: the functions below are the runtime's own, in C

extern "C" {

cudaError_t cudaSetDevice(int device) {
  std::lock_guard<std::recursive_mutex> lock(runtime_mutex());
  const cudaError_t error = check_device(device);
  if (error == cudaSuccess) device_of_thread = device;
  return remember(error);
}

cudaError_t cudaGetDevice(int* device) {
  const cudaError_t error = check_device(device_of_thread);
  if (error == cudaSuccess) *device = device_of_thread;
  return remember(error);
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = num_devices();
  return remember(num_devices() == 0 ? cudaErrorNoDevice : cudaSuccess);
}

cudaError_t cudaGetLastError() {
  std::lock_guard<std::recursive_mutex> lock(runtime_mutex());
  unasked_launches().erase(std::this_thread::get_id());
  const cudaError_t sticky = num_devices() > 0 ? device_errors[device_of_thread] : cudaSuccess;
  if (sticky != cudaSuccess) return sticky;
  return std::exchange(last_error, cudaSuccess);
}

cudaError_t cudaPeekAtLastError() {
  std::lock_guard<std::recursive_mutex> lock(runtime_mutex());
  unasked_launches().erase(std::this_thread::get_id());
  const cudaError_t sticky = num_devices() > 0 ? device_errors[device_of_thread] : cudaSuccess;
  return sticky != cudaSuccess ? sticky : last_error;
}

}  // extern "C"
