// SPDX-License-Identifier: Apache-2.0
// Every detector that can be asked for by name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/base/status.h"
#include "models/detectors/detector.h"
#include "models/detectors/dinomaly.h"
#include "models/detectors/padim.h"
#include "models/detectors/patchcore.h"
#include "models/detectors/rd.h"
#include "models/detectors/softpatch.h"

namespace assay::models {

// What the detectors can be told; each reads its own.
struct DetectorOptions {
  PatchcoreOptions patchcore;
  SoftpatchOptions softpatch;
  PadimOptions padim;
  DinomalyOptions dinomaly;
  RdOptions rd;
};

struct DetectorListing {
  const char* name;
  const char* description;  // one line, for help texts
  std::unique_ptr<Detector> (*make)(const DetectorOptions& options, Device device);
  // Whether it sees levels of several resolutions apart (PatchFeatureOptions::packed).
  bool takes_packed_levels = false;
};

// The default first.
const std::vector<DetectorListing>& detector_list();

// Null where no detector has that name.
const DetectorListing* find_detector(const std::string& name);

// On the device. An unknown name is an error that lists the known ones.
Result<std::unique_ptr<Detector>> make_detector(const std::string& name, const DetectorOptions& options = {},
                                                Device device = Device::cpu());

}  // namespace assay::models
