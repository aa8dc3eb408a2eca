// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/simt/registry.h"

#include <map>
#include <vector>

#include "tests/cuda_sim/simt/memory_map.h"

namespace assay::cuda_sim {
namespace {

// Filled by static initialisers in any order, so made at first use; never destroyed.
struct Registry {
  std::map<std::string, const Kernel*> kernels;
  std::map<std::string, ModuleVariable*> variables;
  std::vector<ModuleVariable*> unplaced;
};

Registry& registry() {
  static auto* registry = new Registry;
  return *registry;
}

}  // namespace

void register_kernel(const Kernel& kernel) { registry().kernels.emplace(kernel.name, &kernel); }

// The names of variables may repeat, unlike those of kernels: each module has its own "$str". Host code finds the
// first, translated code uses its own object.
void register_variable(ModuleVariable* variable) {
  registry().variables.emplace(variable->name, variable);
  registry().unplaced.push_back(variable);
}

const Kernel* find_kernel(const std::string& name) {
  const auto found = registry().kernels.find(name);
  return found == registry().kernels.end() ? nullptr : found->second;
}

ModuleVariable* find_variable(const std::string& name) {
  const auto found = registry().variables.find(name);
  return found == registry().variables.end() ? nullptr : found->second;
}

void place_variables(int num_devices) {
  std::vector<ModuleVariable*> fresh;
  fresh.swap(registry().unplaced);
  // All places first: initial values may be addresses of other variables.
  for (ModuleVariable* variable : fresh) {
    for (int device = 0; device < num_devices; ++device) {
      const size_t bytes = variable->bytes > 0 ? variable->bytes : 1;
      variable->address[device] = allocate(device, bytes, AllocationKind::kVariable, /*is_usable=*/true);
      if (variable->constant) set_constant(variable->address[device]);
      set_counts_as_written(variable->address[device]);
    }
  }
  for (ModuleVariable* variable : fresh) {
    for (int device = 0; device < num_devices; ++device) {
      auto* bytes = reinterpret_cast<unsigned char*>(variable->address[device]);
      std::memset(bytes, 0, variable->bytes);
      if (variable->initialise != nullptr) variable->initialise(bytes, device);
    }
  }
}

}  // namespace assay::cuda_sim
