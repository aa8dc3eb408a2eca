// SPDX-License-Identifier: Apache-2.0
// Small trees in the layouts that benchmarks are published in.
#include "pipeline/dataset/sources.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "pipeline/dataset/test_tree.h"

namespace assay::dataset {
namespace {

// "name: lines of what it opens".
std::vector<std::string> names(const std::string& path, const Options& options = {}) {
  const Result<std::vector<Source>> sources = find_sources(path, options);
  REQUIRE_MESSAGE(sources.ok(), sources.message());
  std::vector<std::string> names;
  for (const Source& source : sources.value()) {
    const Result<Opened> opened = open_dataset(source.path, source.options);
    REQUIRE_MESSAGE(opened.ok(), opened.message());
    names.push_back(opened.value().dataset.name + " " + std::to_string(opened.value().dataset.items.size()));
  }
  return names;
}

std::string failure(const std::string& path, const Options& options = {}) {
  const Result<std::vector<Source>> sources = find_sources(path, options);
  REQUIRE_FALSE(sources.ok());
  return sources.message();
}

TEST_CASE("a folder of MVTec categories stands for each of them, a category for itself") {
  const TestTree tree;
  for (const char* category : {"bottle", "cable"}) {
    tree.files({std::string(category) + "/train/good/000.png", std::string(category) + "/test/good/000.png",
                std::string(category) + "/test/cut/000.png", std::string(category) + "/ground_truth/cut/000_mask.png"});
  }
  tree.files({"license.txt", "cable/readme.txt", ".hidden/train/good/0.png"});
  CHECK(names(tree.root()) == std::vector<std::string>{"bottle 3", "cable 3"});
  CHECK(names(tree("cable")) == std::vector<std::string>{"cable 3"});
  Options one;
  one.category = "cable";
  CHECK(names(tree.root(), one) == std::vector<std::string>{"cable 3"});
}

TEST_CASE("a folder of Real-IAD's lists stands for each category, of its own alpha") {
  const TestTree tree;
  for (const char* alpha : {"0.0", "0.1"}) {
    for (const std::string category : {"audiojack", "pcb"}) {
      tree.file(std::string("realiad_jsons/realiad_jsons_fuiad_") + alpha + "/" + category + ".json",
                R"({"meta": {"prefix": ")" + category + R"(/", "normal_class": "OK"},
                    "train": [{"anomaly_class": "OK", "image_path": "OK/S1/a.jpg", "mask_path": null}],
                    "test": [{"anomaly_class": "AK", "image_path": "NG/AK/S2/b.jpg", "mask_path": "NG/AK/S2/b.png"}]})");
      tree.files({"realiad_256/" + category + "/OK/S1/a.jpg", "realiad_256/" + category + "/NG/AK/S2/b.jpg",
                  "realiad_256/" + category + "/NG/AK/S2/b.png"});
    }
  }
  CHECK(names(tree("realiad_jsons/realiad_jsons_fuiad_0.1")) == std::vector<std::string>{"audiojack 2", "pcb 2"});
  CHECK(names(tree("realiad_jsons/realiad_jsons_fuiad_0.1/pcb.json")) == std::vector<std::string>{"pcb 2"});
}

TEST_CASE("a VisA csv stands for each of its objects") {
  const TestTree tree;
  tree.file("split_csv/1cls.csv",
            "object,split,label,image,mask\n"
            "pcb1,train,normal,pcb1/Data/Images/Normal/0.JPG,\n"
            "candle,train,normal,candle/Data/Images/Normal/0.JPG,\n"
            "candle,test,anomaly,candle/Data/Images/Anomaly/0.JPG,candle/Data/Masks/Anomaly/0.png\n");
  tree.files({"pcb1/Data/Images/Normal/0.JPG", "candle/Data/Images/Normal/0.JPG", "candle/Data/Images/Anomaly/0.JPG",
              "candle/Data/Masks/Anomaly/0.png"});
  CHECK(names(tree("split_csv/1cls.csv")) == std::vector<std::string>{"candle 2", "pcb1 1"});
  Options one;
  one.category = "pcb1";
  CHECK(names(tree("split_csv/1cls.csv"), one) == std::vector<std::string>{"pcb1 1"});
}

TEST_CASE("a list stands for itself") {
  const TestTree tree;
  tree.file("list.csv", "split,path,label\ntrain,a.png,0\n");
  tree.files({"a.png", "lists/b.png"});
  tree.file("lists/one.csv", "split,path\ntrain,b.png\n");
  CHECK(names(tree("list.csv")) == std::vector<std::string>{"list 1"});
  CHECK(names(tree("lists")) == std::vector<std::string>{"one 1"});
}

TEST_CASE("a folder of neither kind is an error") {
  const TestTree tree;
  tree.files({"images/a.png", "empty.csv"});
  CHECK(failure(tree("images")).find("neither categories") != std::string::npos);
  CHECK(failure(tree("none.csv")).find("none.csv") != std::string::npos);
}

}  // namespace
}  // namespace assay::dataset
