// SPDX-License-Identifier: Apache-2.0
// What the functions of the fake runtime share: the lock, errors, the current device.
#pragma once

#include <cuda_runtime_api.h>

#include <mutex>

#include "tests/cuda_sim/control.h"

namespace assay::cuda_sim {

// Every function of the runtime holds it from its first line. The first one also starts the simulator.
class Lock {
 public:
  // `function` for reports: a callback of cudaLaunchHostFunc may not call the runtime.
  explicit Lock(const char* function);
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  // Not cudaSuccess: the call must return this at once. Either the caller may not call now, or an earlier fault of a
  // kernel has broken the device for good, as on a GPU.
  cudaError_t error() const { return error_; }

 private:
  std::unique_lock<std::recursive_mutex> lock_;
  cudaError_t error_ = cudaSuccess;
};

std::recursive_mutex& runtime_mutex();

// Marks the calling thread as inside a callback.
class HostCallback {
 public:
  HostCallback();
  ~HostCallback();
};

// Remembers an error for cudaGetLastError() and returns it.
cudaError_t remember(cudaError_t error);
// The same for an error of a launch, which the program can only learn by asking. Reports it if nobody asks in time.
cudaError_t remember_launch(cudaError_t error, const char* kernel);
// This thread waits for work now: the last moment to have asked for the errors of its launches. (Others may be about
// to ask for theirs.)
void check_launches_were_asked_for(const char* function);

// A fault of a kernel on `device`: from now on every call returns what a GPU would.
void break_device(int device, Fault fault);
void mend_devices();
cudaError_t device_error(int device);

int num_devices();
int current_device();
// cudaErrorInvalidDevice, cudaErrorNoDevice or cudaSuccess.
cudaError_t check_device(int device);

}  // namespace assay::cuda_sim
