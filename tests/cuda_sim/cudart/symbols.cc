// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/cudart/symbols.h"

#include <cuda_runtime_api.h>

#include <map>

#include "tests/cuda_sim/cudart/copies.h"
#include "tests/cuda_sim/cudart/runtime.h"
#include "tests/cuda_sim/simt/registry.h"
#include "tests/cuda_sim/simt/report.h"

namespace assay::cuda_sim {
namespace {

// Filled by static initialisers, so made at first use; never destroyed.
struct Symbols {
  std::map<const void*, std::string> kernels;
  std::map<const void*, std::string> variables;
};

Symbols& symbols() {
  static auto* symbols = new Symbols;
  return *symbols;
}

// The bytes of a symbol on the current device, or an error.
cudaError_t find_range(const char* function, const void* symbol, size_t offset, size_t bytes, uint64_t& address) {
  const ModuleVariable* variable = symbol_variable(symbol);
  if (variable == nullptr) {
    report_host(Fault::kBadCall, "%s: no such symbol in any translated module", function);
    return remember(cudaErrorInvalidSymbol);
  }
  if (offset > variable->bytes || bytes > variable->bytes - offset) {
    report_host(Fault::kOutOfBounds, "%s: %zu bytes at byte %zu of %s, which has %zu", function, bytes, offset,
                variable->name, variable->bytes);
    return remember(cudaErrorInvalidValue);
  }
  address = variable->address[current_device()] + offset;
  return cudaSuccess;
}

cudaError_t copy_to_symbol(const char* name, const void* symbol, const void* from, size_t bytes, size_t offset,
                           cudaMemcpyKind kind, cudaStream_t stream, bool is_async) {
  const Lock lock(name);
  if (lock.error() != cudaSuccess) return lock.error();
  Copy copy{0, bytes, reinterpret_cast<uint64_t>(from), bytes, bytes, 1};
  const cudaError_t error = find_range(name, symbol, offset, bytes, copy.to);
  return error != cudaSuccess ? error : enqueue_copy(name, copy, kind, stream, is_async);
}

cudaError_t copy_from_symbol(const char* name, void* to, const void* symbol, size_t bytes, size_t offset,
                             cudaMemcpyKind kind, cudaStream_t stream, bool is_async) {
  const Lock lock(name);
  if (lock.error() != cudaSuccess) return lock.error();
  Copy copy{reinterpret_cast<uint64_t>(to), bytes, 0, bytes, bytes, 1};
  const cudaError_t error = find_range(name, symbol, offset, bytes, copy.from);
  return error != cudaSuccess ? error : enqueue_copy(name, copy, kind, stream, is_async);
}

}  // namespace

const std::string* kernel_name(const void* stub) {
  const auto found = symbols().kernels.find(stub);
  return found == symbols().kernels.end() ? nullptr : &found->second;
}

ModuleVariable* symbol_variable(const void* symbol) {
  const auto found = symbols().variables.find(symbol);
  return found == symbols().variables.end() ? nullptr : find_variable(found->second);
}

}  // namespace assay::cuda_sim

using namespace assay::cuda_sim;  // NOLINT: the functions below are the runtime's own, in C

extern "C" {

// One module is like another: translated kernels register themselves.
void** __cudaRegisterFatBinary(void*) {
  static void* module = nullptr;
  return &module;
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
char __cudaInitModule(void**) { return 1; }

void __cudaRegisterFunction(void**, const char* stub, char*, const char* name, int, uint3*, uint3*, dim3*, dim3*,
                            int*) {
  symbols().kernels[stub] = name;
}

void __cudaRegisterVar(void**, char* host, char*, const char* name, int, size_t, int, int) {
  symbols().variables[host] = name;
}

cudaError_t cudaMemcpyToSymbol(const void* symbol, const void* from, size_t bytes, size_t offset, cudaMemcpyKind kind) {
  return copy_to_symbol("cudaMemcpyToSymbol", symbol, from, bytes, offset, kind, nullptr, /*is_async=*/false);
}

cudaError_t cudaMemcpyToSymbolAsync(const void* symbol, const void* from, size_t bytes, size_t offset,
                                    cudaMemcpyKind kind, cudaStream_t stream) {
  return copy_to_symbol("cudaMemcpyToSymbolAsync", symbol, from, bytes, offset, kind, stream, /*is_async=*/true);
}

cudaError_t cudaMemcpyFromSymbol(void* to, const void* symbol, size_t bytes, size_t offset, cudaMemcpyKind kind) {
  return copy_from_symbol("cudaMemcpyFromSymbol", to, symbol, bytes, offset, kind, nullptr, /*is_async=*/false);
}

cudaError_t cudaMemcpyFromSymbolAsync(void* to, const void* symbol, size_t bytes, size_t offset, cudaMemcpyKind kind,
                                      cudaStream_t stream) {
  return copy_from_symbol("cudaMemcpyFromSymbolAsync", to, symbol, bytes, offset, kind, stream, /*is_async=*/true);
}

cudaError_t cudaGetSymbolAddress(void** pointer, const void* symbol) {
  const Lock lock("cudaGetSymbolAddress");
  if (lock.error() != cudaSuccess) return lock.error();
  uint64_t address = 0;
  const cudaError_t error = find_range("cudaGetSymbolAddress", symbol, 0, 0, address);
  if (error == cudaSuccess) *pointer = reinterpret_cast<void*>(address);
  return error;
}

cudaError_t cudaGetSymbolSize(size_t* bytes, const void* symbol) {
  const Lock lock("cudaGetSymbolSize");
  if (lock.error() != cudaSuccess) return lock.error();
  const ModuleVariable* variable = symbol_variable(symbol);
  if (variable == nullptr) return remember(cudaErrorInvalidSymbol);
  *bytes = variable->bytes;
  return cudaSuccess;
}

}  // extern "C"
