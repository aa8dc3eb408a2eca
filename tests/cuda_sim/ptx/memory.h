// SPDX-License-Identifier: Apache-2.0
// Loads and stores: each asks the simulator for the bytes, which checks the access.
#pragma once

#include "tests/cuda_sim/ptx/types.h"
#include "tests/cuda_sim/simt/thread.h"

namespace assay::cuda_sim::ptx {

enum class Space { kGlobal, kShared, kLocal, kGeneric };

template <Space space>
inline unsigned char* access(Thread& thread, u64 address, u32 num_bytes, u32 alignment, Access kind,
                             const SourceLine* where) {
  if constexpr (space == Space::kGlobal) return global_access(thread, address, num_bytes, alignment, kind, where);
  if constexpr (space == Space::kShared) return shared_access(thread, address, num_bytes, alignment, kind, where);
  if constexpr (space == Space::kLocal) return local_access(thread, address, num_bytes, alignment, kind, where);
  return generic_access(thread, address, num_bytes, alignment, kind, where);
}

// The elements of a vector access.
template <class T, int count>
struct Lanes {
  T at[count];
};

template <Space space, class T, int count>
inline Lanes<T, count> load(Thread& thread, u64 address, Access kind, const SourceLine* where) {
  Lanes<T, count> value;
  std::memcpy(&value, access<space>(thread, address, sizeof value, sizeof value, kind, where), sizeof value);
  return value;
}

template <Space space, class T, int count>
inline void store(Thread& thread, u64 address, const Lanes<T, count>& value, Access kind, const SourceLine* where) {
  std::memcpy(access<space>(thread, address, sizeof value, sizeof value, kind, where), &value, sizeof value);
}

// A translated .func: it gets the bytes of its results and of its parameters.
using DeviceFunction = void (*)(Thread& thread, unsigned char* const* returns, unsigned char* const* parameters);

// .param space: bytes that the translator has laid out and whose bounds it has checked.
template <class T>
inline T load_param(const unsigned char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}
// ld.param through a register: the address must lie in one of the kernel's parameters. Anything else goes the way of
// generic addresses, which reports what is wrong.
template <class T, int count>
inline Lanes<T, count> load_param_at(Thread& thread, u64 address, const unsigned char* const* parameters,
                                     const u32* parameter_bytes, int num_parameters, const SourceLine* where) {
  using Value = Lanes<T, count>;
  for (int i = 0; i < num_parameters; ++i) {
    const u64 offset = address - reinterpret_cast<u64>(parameters[i]);
    if (offset < parameter_bytes[i] && offset + sizeof(Value) <= parameter_bytes[i] && offset % sizeof(Value) == 0) {
      return load_param<Value>(parameters[i] + offset);
    }
  }
  return load<Space::kGeneric, T, count>(thread, address, Access::kRead, where);
}
template <class T>
inline void store_param(unsigned char* bytes, T value) {
  std::memcpy(bytes, &value, sizeof value);
}

}  // namespace assay::cuda_sim::ptx
