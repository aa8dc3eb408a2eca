// SPDX-License-Identifier: Apache-2.0
#include "pipeline/benchmark/sets.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "pipeline/dataset/test_tree.h"

namespace assay::pipeline {
namespace {

using dataset::TestTree;

// A category of MVTec's layout.
void write_category(const TestTree& tree, const std::string& name) {
  for (int i = 0; i < 10; ++i) tree.file(name + "/train/good/" + std::to_string(i) + ".png");
  for (int i = 0; i < 4; ++i) {
    tree.files({name + "/test/good/" + std::to_string(i) + ".png", name + "/test/cut/" + std::to_string(i) + ".png",
                name + "/ground_truth/cut/" + std::to_string(i) + "_mask.png"});
  }
}

// A list of 20 images, `anomalous` of the 10 for training.
void write_list(const TestTree& tree, const std::string& name, int anomalous) {
  std::string csv = "split,path,label\n";
  for (int i = 0; i < 20; ++i) {
    const std::string image = "images/" + std::to_string(i) + ".png";
    tree.file(image);
    const int label = i < 10 ? i < anomalous : i % 2;
    csv += std::string(i < 10 ? "train," : "test,") + image + "," + std::to_string(label) + "\n";
  }
  tree.file(name, csv);
}

std::vector<std::string> names(const SetRequest& request) {
  const auto sets = find_benchmark_sets(request);
  REQUIRE_MESSAGE(sets.ok(), sets.message());
  std::vector<std::string> names;
  for (const BenchmarkSet& set : sets.value()) names.push_back(name_of(set) + (set.injection ? ", injected" : ""));
  return names;
}

SetRequest paths(const std::vector<std::string>& paths) {
  SetRequest request;
  request.paths = paths;
  return request;
}

std::string failure(const SetRequest& request) {
  const auto sets = find_benchmark_sets(request);
  REQUIRE_FALSE(sets.ok());
  return sets.message();
}

TEST_CASE("lists are taken as they are, their alpha from the name or else from the labels") {
  const TestTree tree;
  write_list(tree, "tile_alpha0.1.csv", 2);
  write_list(tree, "tile_alpha0.4.csv", 4);
  write_list(tree, "tile_alpha0.csv", 0);
  write_list(tree, "other.csv", 3);
  SetRequest request =
      paths({tree("tile_alpha0.4.csv"), tree("other.csv"), tree("tile_alpha0.1.csv"), tree("tile_alpha0.csv")});
  CHECK(names(request) ==
        std::vector<std::string>{"other, alpha 0.3", "tile, alpha 0", "tile, alpha 0.1", "tile, alpha 0.4"});
  request.categories = {"tile"};
  request.alphas = {0.4, 0};
  CHECK(names(request) == std::vector<std::string>{"tile, alpha 0", "tile, alpha 0.4"});
}

TEST_CASE("data without anomalies in training get them injected, for each alpha") {
  const TestTree tree;
  write_category(tree, "bottle");
  write_category(tree, "cable");
  SetRequest request = paths({tree.root()});
  CHECK(names(request) == std::vector<std::string>{"bottle, alpha 0", "cable, alpha 0"});
  request.alphas = {0.2, 0, 0.1};
  request.injection.seed = 7;
  request.injection.overlap = dataset::Injection::Overlap::kKept;
  CHECK(names(request) == std::vector<std::string>{"bottle, alpha 0, injected", "bottle, alpha 0.1, injected",
                                                   "bottle, alpha 0.2, injected", "cable, alpha 0, injected",
                                                   "cable, alpha 0.1, injected", "cable, alpha 0.2, injected"});
  const dataset::Injection injection = find_benchmark_sets(request).value()[1].injection.value();
  CHECK(injection.alpha == 0.1);
  CHECK(injection.up_to == 0.2);
  CHECK(injection.seed == 7);
  CHECK(injection.overlap == dataset::Injection::Overlap::kKept);
  request.categories = {"cable"};
  request.alphas = {0.1};
  CHECK(names(request) == std::vector<std::string>{"cable, alpha 0.1, injected"});
}

TEST_CASE("VisA's objects get anomalies injected") {
  const TestTree tree;
  tree.file("split_csv/1cls.csv",
            "object,split,label,image,mask\ncandle,train,normal,a.png,\ncandle,test,normal,b.png,\n"
            "candle,test,anomaly,c.png,m.png\npcb1,train,normal,d.png,\npcb1,test,normal,e.png,\n"
            "pcb1,test,anomaly,f.png,m.png\n");
  tree.files({"a.png", "b.png", "c.png", "d.png", "e.png", "f.png", "m.png"});
  SetRequest request = paths({tree("split_csv/1cls.csv")});
  request.alphas = {0.2};
  CHECK(names(request) == std::vector<std::string>{"candle, alpha 0.2, injected", "pcb1, alpha 0.2, injected"});
}

TEST_CASE("a folder of Real-IAD's lists has the alpha of its name") {
  const TestTree tree;
  for (const char* alpha : {"0.0", "0.2"}) {
    tree.file(std::string("realiad_jsons/realiad_jsons_fuiad_") + alpha + "/pcb.json",
              R"({"meta": {"prefix": "pcb/"},
                  "train": [{"anomaly_class": "OK", "image_path": "a.jpg", "mask_path": null}],
                  "test": [{"anomaly_class": "OK", "image_path": "b.jpg", "mask_path": null},
                           {"anomaly_class": "AK", "image_path": "c.jpg", "mask_path": "c.png"}]})");
  }
  tree.files({"realiad_256/pcb/a.jpg", "realiad_256/pcb/b.jpg", "realiad_256/pcb/c.jpg", "realiad_256/pcb/c.png"});
  const std::string folder = tree("realiad_jsons/realiad_jsons_fuiad_");
  CHECK(names(paths({folder + "0.2", folder + "0.0"})) == std::vector<std::string>{"pcb, alpha 0", "pcb, alpha 0.2"});
}

TEST_CASE("what cannot be measured is an error that says why") {
  const TestTree tree;
  write_list(tree, "tile_alpha0.1.csv", 1);
  tree.file("copy/tile_alpha0.1.csv",
            "split,path,label\ntrain,images/0.png,0\ntest,images/1.png,0\ntest,images/2.png,1\n");
  tree.file("unlabelled.csv", "split,path\ntrain,images/0.png\ntest,images/1.png\n");
  tree.file("one_kind.csv", "split,path,label\ntrain,images/0.png,0\ntest,images/1.png,0\n");
  CHECK(failure(paths({tree("unlabelled.csv")})).find("has no label; a benchmark needs all labels") !=
        std::string::npos);
  CHECK(failure(paths({tree("one_kind.csv")})).find("1 normal and 0 anomalous test images") != std::string::npos);
  CHECK(failure(paths({tree("none.csv")})).find("none.csv") != std::string::npos);
  SetRequest twice = paths({tree("tile_alpha0.1.csv"), tree("copy/tile_alpha0.1.csv")});
  twice.dataset.root = tree.root();
  CHECK(failure(twice).find("is there twice") != std::string::npos);
  SetRequest request = paths({tree("tile_alpha0.1.csv")});
  request.alphas = {0.2};
  CHECK(failure(request) == "no data set of alpha 0.2");
  request.alphas.clear();
  request.categories = {"screw"};
  CHECK(failure(request).find("no category 'screw'") == 0);
}

}  // namespace
}  // namespace assay::pipeline
