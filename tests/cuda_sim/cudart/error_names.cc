// SPDX-License-Identifier: Apache-2.0
// Names of the errors that the simulated runtime returns.
#include <cuda_runtime_api.h>

namespace {

struct ErrorName {
  cudaError_t error;
  const char* name;
  const char* text;
};

constexpr ErrorName kErrors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInitializationError, "cudaErrorInitializationError", "initialization error"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid launch configuration"},
    {cudaErrorInvalidPitchValue, "cudaErrorInvalidPitchValue", "pitch smaller than a row"},
    {cudaErrorInvalidSymbol, "cudaErrorInvalidSymbol", "no such device symbol"},
    {cudaErrorInvalidMemcpyDirection, "cudaErrorInvalidMemcpyDirection", "invalid copy direction"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver", "driver older than the runtime"},
    {cudaErrorMissingConfiguration, "cudaErrorMissingConfiguration", "kernel call without a configuration"},
    {cudaErrorInvalidDeviceFunction, "cudaErrorInvalidDeviceFunction", "no such device function"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA device"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device number"},
    {cudaErrorInvalidKernelImage, "cudaErrorInvalidKernelImage", "invalid kernel image"},
    {cudaErrorNoKernelImageForDevice, "cudaErrorNoKernelImageForDevice", "no kernel image for this device"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid stream, event or other handle"},
    {cudaErrorNotReady, "cudaErrorNotReady", "work is pending"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress", "a kernel accessed an illegal address"},
    {cudaErrorLaunchOutOfResources, "cudaErrorLaunchOutOfResources", "the launch needs too many resources"},
    {cudaErrorLaunchTimeout, "cudaErrorLaunchTimeout", "the kernel doesn't end"},
    {cudaErrorPeerAccessAlreadyEnabled, "cudaErrorPeerAccessAlreadyEnabled", "peer access is enabled already"},
    {cudaErrorPeerAccessNotEnabled, "cudaErrorPeerAccessNotEnabled", "peer access isn't enabled"},
    {cudaErrorPeerAccessUnsupported, "cudaErrorPeerAccessUnsupported", "no peer access between these devices"},
    {cudaErrorAssert, "cudaErrorAssert", "a device assertion failed"},
    {cudaErrorHostMemoryAlreadyRegistered, "cudaErrorHostMemoryAlreadyRegistered", "host memory is registered already"},
    {cudaErrorHostMemoryNotRegistered, "cudaErrorHostMemoryNotRegistered", "host memory isn't registered"},
    {cudaErrorIllegalInstruction, "cudaErrorIllegalInstruction", "a kernel executed an illegal instruction"},
    {cudaErrorMisalignedAddress, "cudaErrorMisalignedAddress", "a kernel accessed a misaligned address"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "a kernel failed"},
    {cudaErrorNotPermitted, "cudaErrorNotPermitted", "the call isn't permitted here"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "the call isn't supported"},
    {cudaErrorUnknown, "cudaErrorUnknown", "unknown error"},
};

const ErrorName* find(cudaError_t error) {
  for (const ErrorName& entry : kErrors) {
    if (entry.error == error) return &entry;
  }
  return nullptr;
}

}  // namespace

extern "C" {

const char* cudaGetErrorName(cudaError_t error) {
  const ErrorName* entry = find(error);
  return entry == nullptr ? "unrecognized error code" : entry->name;
}

const char* cudaGetErrorString(cudaError_t error) {
  const ErrorName* entry = find(error);
  return entry == nullptr ? "unrecognized error code" : entry->text;
}

}  // extern "C"
