// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dataset/injection.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "pipeline/dataset/open.h"
#include "pipeline/dataset/test_tree.h"

namespace assay::dataset {
namespace {

using AlphaOf = Injection::AlphaOf;
using Overlap = Injection::Overlap;

// MVTec AD's layout: 40 normal training, 6 normal test images, 20 cracks and 11 dents with masks.
class Tree {
 public:
  Tree() {
    for (int i = 0; i < 40; ++i) tree_.file("train/good/" + std::to_string(i) + ".png", "n" + std::to_string(i));
    for (int i = 0; i < 6; ++i) tree_.file("test/good/" + std::to_string(i) + ".png", "t" + std::to_string(i));
    for (int i = 0; i < 20; ++i) defect("crack", i);
    for (int i = 0; i < 11; ++i) defect("dent", i);
    opened = open_dataset(tree_.root()).value();
    content = content_of(opened);
  }

  static ContentById content_of(const Opened& opened) {
    ContentById content;
    for (const Item& item : opened.dataset.items) content[item.id] = "sha of " + item.id;
    return content;
  }

  Opened inject(const Injection& injection) const {
    Result<Opened> result = inject_anomalies(opened, injection, content);
    REQUIRE_MESSAGE(result.ok(), result.message());
    return std::move(result).value();
  }

  Opened opened;
  ContentById content;

 private:
  void defect(const std::string& name, int i) {
    const std::string file = name + "/" + std::to_string(i);
    tree_.file("test/" + file + ".png", name + std::to_string(i));
    tree_.file("ground_truth/" + file + "_mask.png");
  }
  TestTree tree_;
};

struct Counts {
  int normal = 0, anomalous = 0, tested_normal = 0, tested_anomalous = 0;
};

Counts count(const Opened& opened) {
  Counts n;
  for (const Item& item : opened.dataset.items) {
    const int label = opened.truth.of(item.id).label;
    if (item.is_in(Split::kTrain)) ++(label == 1 ? n.anomalous : n.normal);
    if (item.is_in(Split::kTest)) ++(label == 1 ? n.tested_anomalous : n.tested_normal);
  }
  return n;
}

std::set<std::string> train_ids(const Opened& opened, int label) {
  std::set<std::string> ids;
  for (const std::string& id : opened.dataset.ids(Split::kTrain)) {
    if (opened.truth.of(id).label == label) ids.insert(id);
  }
  return ids;
}

std::vector<std::string> test_ids(const Opened& opened) { return opened.dataset.ids(Split::kTest); }

Injection moved(double alpha, double up_to = 0) {
  Injection injection;
  injection.alpha = alpha;
  injection.up_to = up_to;
  return injection;
}

bool contains(const std::set<std::string>& big, const std::set<std::string>& small) {
  return std::includes(big.begin(), big.end(), small.begin(), small.end());
}

TEST_CASE("anomalous images replace normal ones, so that the number of training images stays") {
  const Tree tree;
  for (const double alpha : {0.0, 0.05, 0.1, 0.2, 0.35}) {
    CAPTURE(alpha);
    const Counts n = count(tree.inject(moved(alpha)));
    CHECK(n.normal + n.anomalous == 40);
    CHECK(n.anomalous == std::lround(alpha * 40));
    CHECK(n.tested_normal == 6);
    CHECK(n.tested_anomalous == 10 + 6);  // half of 20 and of 11, whatever alpha is
  }
}

TEST_CASE("alpha is a share of all training images or a number for each normal one, as it is told") {
  const Tree tree;
  Injection injection = moved(0.25);
  CHECK(count(tree.inject(injection)).anomalous == 10);
  injection.alpha_of = AlphaOf::kNormal;
  const Counts n = count(tree.inject(injection));
  CHECK(n.anomalous == 8);
  CHECK(n.normal == 32);
}

TEST_CASE("what is moved is not tested, at any alpha, and what is kept is trained on and tested") {
  const Tree tree;
  Injection injection = moved(0.2);
  for (const std::string& id : test_ids(tree.inject(injection))) {
    for (const double alpha : {0.1, 0.3}) CHECK(train_ids(tree.inject(moved(alpha)), 1).count(id) == 0);
  }
  CHECK(test_ids(tree.inject(moved(0.0))) == test_ids(tree.inject(moved(0.3))));
  injection.overlap = Overlap::kKept;
  injection.alpha = 0.5;
  const Opened kept = tree.inject(injection);
  CHECK(test_ids(kept) == test_ids(tree.opened));
  CHECK(count(kept).anomalous == 20);
  std::set<std::string> ids;
  for (const Item& item : kept.dataset.items) CHECK(ids.insert(item.id).second);
}

TEST_CASE("sets of one seed are nested") {
  const Tree tree;
  for (const Overlap overlap : {Overlap::kMoved, Overlap::kKept}) {
    std::set<std::string> anomalous, normal = train_ids(tree.opened, 0);
    for (const double alpha : {0.0, 0.1, 0.2, 0.3}) {
      Injection injection = moved(alpha);
      injection.overlap = overlap;
      const Opened injected = tree.inject(injection);
      CHECK(contains(train_ids(injected, 1), anomalous));
      CHECK(contains(normal, train_ids(injected, 0)));
      anomalous = train_ids(injected, 1);
      normal = train_ids(injected, 0);
    }
    CHECK(anomalous.size() == 12);
  }
}

TEST_CASE("where the anomalies do not suffice, all alphas have as many training images as the highest") {
  const Tree tree;  // 15 may be moved
  for (const double alpha : {0.0, 0.25, 0.6}) {
    const Counts n = count(tree.inject(moved(alpha, 0.6)));
    CHECK(n.normal + n.anomalous == 25);
    CHECK(n.anomalous == std::lround(alpha * 25));
  }
  CHECK(contains(train_ids(tree.inject(moved(0.25, 0.6)), 0), train_ids(tree.inject(moved(0.6)), 0)));
}

TEST_CASE("masks and defects follow their images") {
  const Tree tree;
  const Opened injected = tree.inject(moved(0.35));
  for (const std::string& id : train_ids(injected, 1)) {
    const Truth& truth = injected.truth.of(id);
    CHECK(truth.mask == tree.opened.truth.of(id).mask);
    CHECK_FALSE(truth.mask.empty());
    CHECK(id.find("test/" + truth.defect + "/") == 0);
  }
  std::set<std::string> defects;
  for (const std::string& id : test_ids(injected)) defects.insert(injected.truth.of(id).defect);
  CHECK(defects == std::set<std::string>{"", "crack", "dent"});
}

TEST_CASE("the choice follows from the seed and the contents, not from names") {
  const Tree tree;
  Injection injection = moved(0.2);
  const auto contents = [](const Opened& opened, const ContentById& content, int label) {
    std::set<std::string> chosen;
    for (const std::string& id : train_ids(opened, label)) chosen.insert(content.at(id));
    return chosen;
  };
  const std::set<std::string> chosen = contents(tree.inject(injection), tree.content, 1);
  // The same contents under each other's names, of one defect.
  ContentById renamed = tree.content;
  for (int i = 0; i < 20; ++i) {
    renamed["test/crack/" + std::to_string(i) + ".png"] = "sha of test/crack/" + std::to_string((i + 7) % 20) + ".png";
  }
  const Opened other_names = inject_anomalies(tree.opened, injection, renamed).value();
  CHECK(contents(other_names, renamed, 1) == chosen);
  CHECK(train_ids(other_names, 1) != train_ids(tree.inject(injection), 1));
  injection.seed = 1;
  CHECK(contents(tree.inject(injection), tree.content, 1) != chosen);
}

TEST_CASE("copies of an image are injected once and leave the test images together") {
  Tree tree;
  for (int i = 1; i < 20; i += 2) {
    tree.content["test/crack/" + std::to_string(i) + ".png"] =
        tree.content["test/crack/" + std::to_string(i - 1) + ".png"];
  }
  const Opened injected = tree.inject(moved(0.25));  // 5 of 10 pairs and 5 of 11 dents may be moved
  std::set<std::string> trained, tested;
  for (const std::string& id : injected.dataset.ids(Split::kTrain)) CHECK(trained.insert(tree.content[id]).second);
  for (const std::string& id : test_ids(injected)) tested.insert(tree.content[id]);
  for (const std::string& content : trained) CHECK(tested.count(content) == 0);
  CHECK(count(injected).anomalous == 10);
  CHECK(count(injected).tested_anomalous == 10 + 6);
}

TEST_CASE("an image that cannot be read is neither injected nor counted") {
  Tree tree;
  for (int i = 0; i < 10; ++i) {
    tree.content.erase("test/crack/" + std::to_string(i) + ".png");
    tree.content.erase("train/good/" + std::to_string(i) + ".png");
  }
  const Counts n = count(tree.inject(moved(0.2)));
  CHECK(n.normal + n.anomalous == 30);
  CHECK(n.anomalous == 6);
}

TEST_CASE("what cannot be injected is an error that says why") {
  Tree tree;
  const auto failure = [](const Opened& opened, const Injection& injection) {
    const Result<Opened> result = inject_anomalies(opened, injection, Tree::content_of(opened));
    REQUIRE_FALSE(result.ok());
    return result.message();
  };
  const Opened injected = tree.inject(moved(0.1));
  CHECK(failure(injected, moved(0.1)).find("is anomalous") != std::string::npos);
  Opened unlabelled = tree.opened;
  unlabelled.truth = GroundTruth();
  CHECK(failure(unlabelled, moved(0.1)).find("without a label") != std::string::npos);
  Opened normal = tree.opened;
  normal.dataset.items.erase(std::remove_if(normal.dataset.items.begin(), normal.dataset.items.end(),
                                            [&](const Item& i) { return normal.truth.of(i.id).label == 1; }),
                             normal.dataset.items.end());
  CHECK(failure(normal, moved(0.1)).find("no anomalous test image") != std::string::npos);
  CHECK(inject_anomalies(normal, moved(0), Tree::content_of(normal)).ok());
}

TEST_CASE("anomalous training images are taken out by their labels, and stay in the test set where they were") {
  const Tree tree;
  for (const Overlap overlap : {Overlap::kMoved, Overlap::kKept}) {
    Injection injection = moved(0.3);
    injection.overlap = overlap;
    const Opened injected = tree.inject(injection);
    const Opened clean = without_training_anomalies(injected).value();
    CHECK(count(clean).anomalous == 0);
    CHECK(train_ids(clean, 0) == train_ids(injected, 0));
    CHECK(test_ids(clean) == test_ids(injected));
  }
  Opened unlabelled = tree.opened;
  unlabelled.truth = GroundTruth();
  CHECK_FALSE(without_training_anomalies(unlabelled).ok());
}

}  // namespace
}  // namespace assay::dataset
