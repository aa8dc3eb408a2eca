// SPDX-License-Identifier: Apache-2.0
// Lists: ours, VisA's, Real-IAD's.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "pipeline/dataset/open.h"
#include "pipeline/dataset/test_tree.h"

namespace assay::dataset {
namespace {

using Lines = std::vector<std::string>;

Options with_root(const std::string& root) {
  Options options;
  options.root = root;
  return options;
}

Options with_category(const std::string& category) {
  Options options;
  options.category = category;
  return options;
}

TEST_CASE("our list: columns in any order, quotes, a byte order mark and CRLF") {
  const TestTree tree;
  tree.files({"data/good/a.png", "data/pit/b, c.png", "data/m/b.png", "data/u.png"});
  tree.file("data/l.csv",
            "\xef\xbb\xbfpath,label,extra,mask,split\r\n"
            "good/a.png,0,x,,train\r\n"
            "\"pit/b, c.png\",1,,m/b.png,test\r\n"
            "\r\n"
            "u.png,,,,train\r\n");
  const Opened opened = open_dataset(tree("data/l.csv")).value();
  CHECK(opened.dataset.kind == Kind::kCsv);
  CHECK(opened.dataset.name == "l");
  CHECK(lines_of(opened) == Lines{"train good/a.png 0 - -", "test pit/b, c.png 1 m/b.png pit", "train u.png -1 - -"});
  CHECK(opened.problems.empty());
}

TEST_CASE("our list: label and mask columns may be missing, a root may be given") {
  const TestTree tree;
  tree.files({"images/a.png", "images/b.png"});
  tree.file("lists/L.CSV", "split,path\ntrain,a.png\ntest,b.png\n");
  CHECK(open_dataset(tree("lists/L.CSV")).message().find("is that the root?") != std::string::npos);
  CHECK(lines_of(open_dataset(tree("lists/L.CSV"), with_root(tree("images"))).value()) ==
        Lines{"train a.png -1 - -", "test b.png -1 - -"});
}

TEST_CASE("our list: what is wrong is said with the line") {
  const TestTree tree;
  tree.file("a.png");
  const auto message = [&](const std::string& rows) {
    tree.file("l.csv", "split,path,label,mask\n" + rows);
    return open_dataset(tree("l.csv")).message();
  };
  CHECK(message("train,a.png,0,\ntest,./a.png,0,\n") == "image 'a.png' occurs twice: l.csv: line 2 and l.csv: line 3");
  CHECK(message("\nval,a.png,0,\n") == "l.csv: line 3: split is 'val', expected train or test");
  CHECK(message("train,a.png,2,\n") == "l.csv: line 2: label is '2', expected 0, 1 or nothing");
  CHECK(message("train,a.png,0\n") == "l.csv: line 2: 3 fields, the header has 4");
  CHECK(message("train,../a.png,0,\n") == "l.csv: line 2: image: '../a.png': the path leaves the root");
  CHECK(message("train,a.png,0,/m.png\n") ==
        "l.csv: line 2: mask: '/m.png': the path leaves the root: it is absolute, expected a relative one");
  CHECK(message("train,,0,\n") == "l.csv: line 2: image: the path is empty");
  CHECK(message("\"tr\nain\",a.png,0,\n") == "l.csv: line 2: split is 'tr\\x0aain', expected train or test");
  CHECK(message("") == "l.csv: the list has no rows");
  tree.file("l.csv", "path,label\na.png,0\n");
  CHECK(open_dataset(tree("l.csv")).message() == "l.csv: line 1: no column 'split' in the header");
}

TEST_CASE("our list: missing files are problems with their line, the rest is there") {
  const TestTree tree;
  tree.file("a.png");
  tree.file("l.csv", "split,path,label,mask\ntrain,gone.png,0,\ntest,a.png,1,gone_mask.png\n");
  const Opened opened = open_dataset(tree("l.csv")).value();
  CHECK(lines_of(opened) == Lines{"test a.png 1 - -"});
  REQUIRE(opened.problems.size() == 2);
  CHECK(opened.problems[0].where == "l.csv: line 3");
  CHECK(opened.problems[0].reason == "mask 'gone_mask.png': No such file or directory");
  CHECK(opened.problems[1].where == "l.csv: line 2");
}

constexpr const char* kVisa =
    "object,split,label,image,mask\n"
    "candle,train,normal,candle/Data/Images/Normal/0836.JPG,\n"
    "candle,test,anomaly,candle/Data/Images/Anomaly/000.JPG,candle/Data/Masks/Anomaly/000.png\n"
    "pcb1,train,normal,pcb1/Data/Images/Normal/0000.JPG,\n";

TEST_CASE("VisA's list: one object is chosen, the root is the folder above split_csv") {
  const TestTree tree;
  tree.files({"candle/Data/Images/Normal/0836.JPG", "candle/Data/Images/Anomaly/000.JPG",
              "candle/Data/Masks/Anomaly/000.png", "pcb1/Data/Images/Normal/0000.JPG"});
  tree.file("split_csv/1cls.csv", kVisa);
  const Opened opened = open_dataset(tree("split_csv/1cls.csv"), with_category("candle")).value();
  CHECK(opened.dataset.kind == Kind::kVisa);
  CHECK(opened.dataset.name == "candle");
  CHECK(lines_of(opened) == Lines{"test candle/Data/Images/Anomaly/000.JPG 1 candle/Data/Masks/Anomaly/000.png anomaly",
                                  "train candle/Data/Images/Normal/0836.JPG 0 - -"});
  CHECK(open_dataset(tree("split_csv/1cls.csv")).message() ==
        "1cls.csv: the list has several objects; choose a category of: 'candle', 'pcb1'");
  CHECK(open_dataset(tree("split_csv/1cls.csv"), with_category("pcb9")).message() ==
        "1cls.csv: no object 'pcb9'; choose a category of: 'candle', 'pcb1'");
  tree.file("one.csv", "object,split,label,image,mask\npcb1,train,normal,pcb1/Data/Images/Normal/0000.JPG,\n");
  CHECK(open_dataset(tree("one.csv")).value().dataset.name == "pcb1");
}

TEST_CASE("VisA's list: wrong rows of any object are errors with their line") {
  const TestTree tree;
  tree.file("l.csv", "object,split,label,image,mask\na,train,normal,a.png,\nb,train,bad,b.png,\n");
  CHECK(open_dataset(tree("l.csv"), with_category("a")).message() ==
        "l.csv: line 3: label is 'bad', expected normal or anomaly");
  tree.file("l.csv", "object,split,label,image,mask\na,dev,normal,a.png,\n");
  CHECK(open_dataset(tree("l.csv")).message() == "l.csv: line 2: split is 'dev', expected train or test");
}

constexpr const char* kRealIad = R"({
  "meta": {"prefix": "audiojack/", "normal_class": "OK", "pre_transform": {"size": [256, 256]}},
  "train": [
    {"category": "audiojack", "anomaly_class": "OK", "image_path": "OK/S0001/a.jpg", "mask_path": null},
    {"category": "audiojack", "anomaly_class": "BX", "image_path": "NG/BX/S0002/b.jpg",
     "mask_path": "NG/BX/S0002/b.png"}],
  "test": [
    {"category": "audiojack", "anomaly_class": "OK", "image_path": "OK/S0003/c.jpg"},
    {"category": "audiojack", "anomaly_class": "AK", "image_path": "NG/AK/S0004/d.jpg",
     "mask_path": "NG/AK/S0004/d.png"}]
})";

TEST_CASE("Real-IAD's list: prefix, classes and masks; the images' folder is found above the list") {
  const TestTree tree;
  tree.files({"realiad_1024/audiojack/OK/S0001/a.jpg", "realiad_1024/audiojack/NG/BX/S0002/b.jpg",
              "realiad_1024/audiojack/NG/BX/S0002/b.png", "realiad_1024/audiojack/OK/S0003/c.jpg",
              "realiad_1024/audiojack/NG/AK/S0004/d.jpg", "realiad_1024/audiojack/NG/AK/S0004/d.png"});
  const std::string list = "realiad_jsons/realiad_jsons_fuiad_0.1/audiojack.json";
  tree.file(list, kRealIad);
  const Opened opened = open_dataset(tree(list)).value();
  CHECK(opened.dataset.kind == Kind::kRealIad);
  CHECK(opened.dataset.name == "audiojack");
  CHECK(lines_of(opened) == Lines{"test audiojack/NG/AK/S0004/d.jpg 1 audiojack/NG/AK/S0004/d.png AK",
                                  "train audiojack/NG/BX/S0002/b.jpg 1 audiojack/NG/BX/S0002/b.png BX",
                                  "train audiojack/OK/S0001/a.jpg 0 - -", "test audiojack/OK/S0003/c.jpg 0 - -"});
  CHECK(opened.problems.empty());

  tree.file("realiad_512/x");
  CHECK(open_dataset(tree(list)).message().find("name one as the root") != std::string::npos);
  CHECK(open_dataset(tree(list), with_root(tree("realiad_1024"))).value().dataset.items.size() == 4);
}

TEST_CASE("Real-IAD's list: what is wrong is said with the record") {
  const TestTree tree;
  tree.file("a.png");
  const auto message = [&](const std::string& json) {
    tree.file("l.json", json);
    return open_dataset(tree("l.json"), with_root(tree.root())).message();
  };
  const std::string a = R"({"anomaly_class": "OK", "image_path": "a.png"})";
  CHECK(message(R"({"train": [)" + a + R"(], "test": [)" + a + "]}") ==
        "image 'a.png' occurs twice: l.json: train[0] and l.json: test[0]");
  CHECK(message(R"({"train": [)" + a + R"(, {"image_path": "/a.png"}]})").find("l.json: train[1]: image: '/a.png'") ==
        0);
  CHECK(message(R"({"train": [{"image_path": "../a.png"}]})") ==
        "l.json: train[0]: image: '../a.png': the path leaves the root");
  CHECK(message(R"({"train": [{"anomaly_class": "OK"}]})") == "l.json: train[0]: no image_path");
  CHECK(message(R"({"train": [{"image_path": 7}]})") == "l.json: train[0]: image_path is number, expected a string");
  CHECK(message(R"({"train": [7]})") == "l.json: train[0]: number, expected an object");
  CHECK(message(R"({"train": {}})") == "l.json: train is object, expected a list");
  CHECK(message(R"({"meta": 1})") == "l.json: meta is number, expected an object");
  CHECK(message(R"({"meta": {"prefix": []}})") == "l.json: meta: prefix is array, expected a string");
  CHECK(message("[]") == "l.json: expected a JSON object with train and test");
  CHECK(message("{}") == "l.json: no image in train and test");
  CHECK(message("{\"train\": [") == "l.json: not valid JSON at byte 12");
  CHECK(message("{\"x\": \"\xff\"}").find("l.json: not valid JSON at byte") == 0);
  CHECK(message("{\"x\": " + std::string(100000, '[') + std::string(100000, ']') + "}") ==
        "l.json: nested deeper than 16 levels");
  CHECK(message("{\"x\": " + std::string(100000, '[')).find("l.json: not valid JSON at byte") == 0);
}

TEST_CASE("a list that cannot be read, of an unknown kind or with options of another kind is an error") {
  const TestTree tree;
  tree.files({"l.txt", "a.png"});
  tree.file("l.csv", "split,path\ntrain,a.png\n");
  CHECK(open_dataset(tree("l.txt")).message() == tree("l.txt") + ": expected a folder, a .csv or a .json");
  CHECK(open_dataset(tree("l.csv"), with_category("x")).message() ==
        tree("l.csv") + ": category 'x': a list of kind csv has none");
  Options options;
  options.kind = Kind::kVisa;
  CHECK(open_dataset(tree("l.csv"), options).message() == "l.csv: line 1: no column 'object' in the header");
  tree.file("l.lst", "split,path\ntrain,a.png\n");
  options.kind = Kind::kCsv;
  CHECK(open_dataset(tree("l.lst"), options).value().dataset.items.size() == 1);
  tree.file("l.json", "{}");
  CHECK(open_dataset(tree("l.json")).message().find("name the images' folder as the root") != std::string::npos);
}

}  // namespace
}  // namespace assay::dataset
