// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dataset/injection.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "pipeline/data/sha256.h"
#include "pipeline/dataset/quoted.h"

namespace assay::dataset {
namespace {

// An image's place in an order that the seed decides.
std::string place_of(const std::string& content, uint64_t seed) {
  const std::string s = text(seed, " ", content);
  return data::sha256({reinterpret_cast<const uint8_t*>(s.data()), s.size()});
}

// Ids by content, in the order of the seed. Copies are one content.
using Groups = std::map<std::string, std::vector<std::string>>;

struct Candidates {
  Groups normal;                            // of the training images
  std::map<std::string, Groups> anomalous;  // of the test images, by defect
  int64_t num_train = 0;                    // readable
};

Result<Candidates> find_candidates(const Opened& opened, uint64_t seed, const ContentById& content) {
  Candidates found;
  for (const Item& item : opened.dataset.items) {
    const Truth& truth = opened.truth.of(item.id);
    if (item.is_in(Split::kTrain) && truth.label != 0) {
      return Status::error(opened.dataset.name, ": training image ", quoted(item.id), " is ",
                           truth.label == 1 ? "anomalous" : "without a label",
                           "; anomalies can be injected into normal images only");
    }
    const auto bytes = content.find(item.id);
    if (bytes == content.end()) continue;
    const std::string place = place_of(bytes->second, seed);
    if (item.is_in(Split::kTrain)) {
      found.normal[place].push_back(item.id);
      ++found.num_train;
    } else if (truth.label == 1) {
      found.anomalous[truth.defect][place].push_back(item.id);
    }
  }
  return found;
}

// Contents that may be injected.
Groups pool_of(const Candidates& candidates, Injection::Overlap overlap) {
  Groups pool;
  for (const auto& [defect, groups] : candidates.anomalous) {
    size_t left = overlap == Injection::Overlap::kKept ? groups.size() : groups.size() / 2;
    for (const auto& [place, ids] : groups) {
      if (left-- == 0) break;
      pool[place].insert(pool[place].end(), ids.begin(), ids.end());
    }
  }
  return pool;
}

double share_of_all(double alpha, Injection::AlphaOf of) {
  return of == Injection::AlphaOf::kAll ? alpha : alpha / (1 + alpha);
}

// The first `count` ids, one of each group or all of it.
std::set<std::string> first_ids(const Groups& groups, int64_t count, bool one_of_each) {
  std::set<std::string> ids;
  for (const auto& [place, copies] : groups) {
    for (const std::string& id : copies) {
      if (static_cast<int64_t>(ids.size()) == count) return ids;
      ids.insert(id);
      if (one_of_each) break;
    }
  }
  return ids;
}

}  // namespace

const char* to_string(Injection::AlphaOf of) { return of == Injection::AlphaOf::kAll ? "all" : "normal"; }
const char* to_string(Injection::Overlap overlap) { return overlap == Injection::Overlap::kMoved ? "moved" : "kept"; }

Result<Opened> inject_anomalies(const Opened& opened, const Injection& injection, const ContentById& content) {
  const Result<Candidates> candidates = find_candidates(opened, injection.seed, content);
  if (!candidates.ok()) return candidates.status();
  const Groups pool = pool_of(candidates.value(), injection.overlap);
  const int64_t pool_size = static_cast<int64_t>(pool.size());
  const double share = share_of_all(injection.alpha, injection.alpha_of);
  const double up_to = share_of_all(std::max(injection.alpha, injection.up_to), injection.alpha_of);
  if (share > 0 && pool_size == 0) {
    return Status::error(opened.dataset.name, ": no anomalous test image can be injected",
                         injection.overlap == Injection::Overlap::kMoved ? " (half of each defect's are tested)" : "");
  }
  int64_t num_train = candidates.value().num_train;
  if (up_to > 0) {  // as many as the pool suffices for
    num_train = std::clamp<int64_t>(static_cast<int64_t>(static_cast<double>(pool_size) / up_to), 1, num_train);
  }
  const auto wanted = static_cast<int64_t>(std::llround(share * static_cast<double>(num_train)));
  const int64_t num_anomalous = std::min(pool_size, wanted);
  const std::set<std::string> injected = first_ids(pool, num_anomalous, /*one_of_each=*/true);
  const std::set<std::string> normal =
      first_ids(candidates.value().normal, num_train - num_anomalous, /*one_of_each=*/false);
  std::set<std::string> untested;
  if (injection.overlap == Injection::Overlap::kMoved) {
    for (const auto& [place, ids] : pool) untested.insert(ids.begin(), ids.end());
  }
  Opened result = opened;
  result.dataset.items.clear();
  for (Item item : opened.dataset.items) {
    const bool is_injected = injected.count(item.id) > 0;
    const bool is_tested = item.is_in(Split::kTest) && untested.count(item.id) == 0;
    if (!is_tested && !is_injected && normal.count(item.id) == 0) continue;
    if (is_injected) {
      item.split = Split::kTrain;
      item.also_tested = is_tested;
    }
    result.dataset.items.push_back(std::move(item));
  }
  return result;
}

Result<Opened> without_training_anomalies(const Opened& opened) {
  Opened result = opened;
  result.dataset.items.clear();
  bool has_normal = false;
  for (Item item : opened.dataset.items) {
    const Truth& truth = opened.truth.of(item.id);
    if (item.is_in(Split::kTrain)) {
      if (truth.label < 0) {
        return Status::error(opened.dataset.name, ": training image ", quoted(item.id),
                             " has no label; anomalies cannot be taken out by their labels");
      }
      has_normal = has_normal || truth.label == 0;
      if (truth.label == 1 && !item.also_tested) continue;
      if (truth.label == 1) {
        item.split = Split::kTest;
        item.also_tested = false;
      }
    }
    result.dataset.items.push_back(std::move(item));
  }
  if (!has_normal) return Status::error(opened.dataset.name, ": no training image is normal");
  return result;
}

}  // namespace assay::dataset
