// SPDX-License-Identifier: Apache-2.0
// Other training sets of a data set whose truth is known, for experiments: with anomalies of the test images hidden in
// them, or without those that are there. Who trains on unsorted images of their own needs neither.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "kernels/base/status.h"
#include "pipeline/dataset/opened.h"

namespace assay::dataset {

// How anomalous test images get into the training set.
struct Injection {
  // What alpha is a share of; papers differ. Of n normal and a anomalous training images:
  enum class AlphaOf {
    kAll,     // alpha = a / (n + a)
    kNormal,  // alpha = a / n
  };
  enum class Overlap {
    kMoved,  // half of each defect's test images, rounded down, are the pool: none of the pool is tested, at any alpha
    kKept,   // all anomalous test images are the pool, and all of them are tested as well
  };
  double alpha = 0;
  AlphaOf alpha_of = AlphaOf::kAll;
  Overlap overlap = Overlap::kMoved;
  // The largest alpha that the sets are to be compared with; below alpha it means alpha. The training set has as many
  // images as before, or, where the pool does not suffice for that at up_to, as many as it suffices for: anomalous
  // images replace normal ones, and the number is the same at every alpha up to up_to.
  double up_to = 0;
  uint64_t seed = 0;
};

const char* to_string(Injection::AlphaOf of);       // "all", "normal"
const char* to_string(Injection::Overlap overlap);  // "moved", "kept"

using ContentById = std::map<std::string, std::string>;  // SHA-256 of files; none for those that cannot be read

// Which images are chosen follows from the seed and from the images' contents, not from their names or their order.
// Sets of one seed are nested: what is anomalous at one alpha is so at every higher one, and its normal images are
// among those of every lower one. Copies of an image (files of the same bytes) count once in the pool and leave the
// test images together. Images that cannot be read are in no set. Truth follows the id, so masks do. An error where the
// training images hold anomalies or unlabelled images already, or the pool is empty though alpha is not 0.
Result<Opened> inject_anomalies(const Opened& opened, const Injection& injection, const ContentById& content);

// Without the anomalous training images: what purification could reach at best. An error where a training image has no
// label, or none is normal.
Result<Opened> without_training_anomalies(const Opened& opened);

}  // namespace assay::dataset
