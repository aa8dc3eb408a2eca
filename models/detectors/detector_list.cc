// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/detector_list.h"

namespace assay::models {

const std::vector<DetectorListing>& detector_list() {
  static const std::vector<DetectorListing> list = {
      {"patchcore", "memory bank of patch features, distance to the nearest",
       [](const DetectorOptions& o, Device device) -> std::unique_ptr<Detector> {
         return std::make_unique<Patchcore>(o.patchcore, device);
       }},
      {"softpatch", "memory bank without the patches that look like noise, weighted by how much the others do",
       [](const DetectorOptions& o, Device device) -> std::unique_ptr<Detector> {
         return std::make_unique<Softpatch>(o.softpatch, device);
       }},
      {"padim", "Gaussian of patch features at each position, Mahalanobis distance",
       [](const DetectorOptions& o, Device device) -> std::unique_ptr<Detector> {
         return std::make_unique<Padim>(o.padim, device);
       }},
      {"dinomaly", "features reconstructed by a trained decoder, cosine distance",
       [](const DetectorOptions& o, Device device) -> std::unique_ptr<Detector> {
         return std::make_unique<Dinomaly>(o.dinomaly, device);
       }},
      {"rd", "levels of a pyramid given back by a trained decoder, cosine distance",
       [](const DetectorOptions& o, Device device) -> std::unique_ptr<Detector> {
         return std::make_unique<Rd>(o.rd, device);
       },
       /*takes_packed_levels=*/true},
  };
  return list;
}

const DetectorListing* find_detector(const std::string& name) {
  for (const DetectorListing& listing : detector_list()) {
    if (name == listing.name) return &listing;
  }
  return nullptr;
}

Result<std::unique_ptr<Detector>> make_detector(const std::string& name, const DetectorOptions& options,
                                                Device device) {
  if (const DetectorListing* listing = find_detector(name)) return listing->make(options, device);
  std::string known;
  for (const DetectorListing& listing : detector_list()) {
    known += std::string(known.empty() ? "" : ", ") + listing.name;
  }
  return Status::error("detector '", name, "': expected one of ", known);
}

}  // namespace assay::models
