// SPDX-License-Identifier: Apache-2.0
// Where a run computes. Results do not depend on how many devices of a kind there are, nor on the batch.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/device/device.h"

namespace assay::pipeline {

struct Placement {
  std::vector<Device> devices = {Device::cpu()};  // at least one; either the CPU alone or GPUs
  int64_t batch = 16;                             // images that a GPU computes at once; the CPU's threads take one each

  bool on_cpu() const { return devices.front().is_cpu(); }
  Device first() const { return devices.front(); }
};

// Calls body(i, slot) for i = 0 .. count - 1, slot being the place in `devices` of the device to use. On the CPU in the
// thread pool. Otherwise in `threads_per_device` threads for each GPU, which have streams of their own: with two of
// them one fetches and delivers while the other computes. Which GPU gets which i is open. The first exception of a body
// is thrown again here after the others have ended; no further i is begun then.
void for_each_on_devices(const Placement& placement, int threads_per_device, int64_t count,
                         const std::function<void(int64_t i, size_t slot)>& body);

}  // namespace assay::pipeline
