// SPDX-License-Identifier: Apache-2.0
// For tests of loading: a small model of a detector that can be copied, damaged, and loaded over a good one.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/tensor/tensor.h"
#include "kernels/base/status.h"
#include "tests/support/synthetic_features.h"

namespace assay::models {

struct Saved {
  nlohmann::json description;
  std::map<std::string, Tensor> tensors;
};

// Six images of 3 x 4 cells, five columns wide: fitted to the first five, the last is scored.
inline const testing::SyntheticFeatures& small_source() {
  static const testing::SyntheticFeatures source([] {
    testing::SyntheticOptions options;
    options.num_images = 6;
    options.feature_width = 5;
    options.grids = {{3, 4}};
    return options;
  }());
  return source;
}

// Fitted to the small source.
template <class D>
D small_fit(D detector) {
  detector.fit(small_source(), {0, 1, 2, 3, 4}, {});
  return detector;
}

// A deep copy, so that a test may damage it.
template <class D>
Saved saved(const D& detector) {
  Saved s;
  s.description = detector.save(&s.tensors);
  for (auto& [name, tensor] : s.tensors) tensor = tensor.clone("test");
  return s;
}

template <class D>
std::vector<float> score(const D& detector) {
  const Tensor map = detector.score(small_source().read(5));
  return {map.template data<float>(), map.template data<float>() + map.size()};
}

// Loads the damaged model over a copy of a good one, which must survive, and returns the reason.
template <class D>
std::string refusal_by(const D& good, const Saved& damaged) {
  D detector = good;
  const std::vector<float> before = score(detector);
  const Status status = detector.load(damaged.description, damaged.tensors);
  CHECK_FALSE(status.ok());
  CHECK(score(detector) == before);
  return status.message();
}

}  // namespace assay::models
