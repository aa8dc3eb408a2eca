// SPDX-License-Identifier: Apache-2.0
// Plain folders and the MVTec AD layout.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "pipeline/dataset/image_files.h"
#include "pipeline/dataset/open.h"
#include "pipeline/dataset/test_tree.h"

namespace assay::dataset {
namespace {

using Lines = std::vector<std::string>;

Options of_kind(Kind kind) {
  Options options;
  options.kind = kind;
  return options;
}

TEST_CASE("a plain folder is searched recursively; hidden files and other files are no images") {
  const TestTree tree;
  tree.files({"b.JPG", "a/x.png", "a/deep/er/y.Jpeg", "a.bmp", "t.tga", "g.pgm", "c.ppm", "notes.txt", "png", ".x.png",
              ".git/z.png", "scratch/2.png"});
  const Opened opened = open_dataset(tree.root()).value();
  CHECK(opened.dataset.kind == Kind::kFolder);
  CHECK(opened.dataset.name == tree.root().substr(tree.root().rfind('/') + 1));
  CHECK(lines_of(opened) == Lines{"train a.bmp -1 - -", "train a/deep/er/y.Jpeg -1 - -", "train a/x.png -1 - -",
                                  "train b.JPG -1 - -", "train c.ppm -1 - -", "train g.pgm -1 - -",
                                  "train scratch/2.png -1 - -", "train t.tga -1 - -"});
  CHECK(opened.problems.empty());
}

TEST_CASE("loops of links end, and a folder reached twice is read once") {
  const TestTree tree;
  tree.files({"a/x.png", "other/y.png"});
  tree.link("a/up", "..");
  tree.link("a/self", ".");
  tree.link("b", "a");
  tree.link("file.png", "a/x.png");
  const Opened opened = open_dataset(tree.root()).value();
  CHECK(opened.dataset.ids(Split::kTrain) == Lines{"a/x.png", "file.png", "other/y.png"});
  CHECK(opened.problems.empty());
}

TEST_CASE("a broken link is reported, a named pipe is passed over") {
  const TestTree tree;
  tree.file("a.png");
  tree.link("lost.png", "nowhere");
  REQUIRE(mkfifo(tree("pipe.png").c_str(), 0600) == 0);
  const Opened opened = open_dataset(tree.root()).value();
  CHECK(opened.dataset.ids(Split::kTrain) == Lines{"a.png"});
  REQUIRE(opened.problems.size() == 1);
  CHECK(opened.problems[0].where == tree("lost.png"));
  CHECK(opened.problems[0].reason == "No such file or directory");
}

TEST_CASE("a folder without images says what it holds instead, and a missing one says so") {
  const TestTree tree;
  tree.files({"scan/1.tiff", "scan/2.tiff"});
  CHECK(open_dataset(tree.root()).message() == tree.root() +
                                                   ": no image in this folder (png, jpg, bmp, tga, pgm, ppm)"
                                                   "; 2 other files, as 'scan/1.tiff'");
  CHECK(open_dataset(tree("none")).message() == tree("none") + ": No such file or directory");
}

void make_mvtec(const TestTree& tree) {
  tree.files({"train/good/0.png", "train/good/1.png", "test/good/0.png", "test/crack/0.png", "test/crack/1.png",
              "test/bent/0.jpg", "ground_truth/crack/0_mask.png", "ground_truth/crack/1.png",
              "ground_truth/bent/0_mask.png", "readme.txt", "license.png"});
}

TEST_CASE("the MVTec layout is recognised; masks are found with and without _mask") {
  const TestTree tree;
  make_mvtec(tree);
  const Opened opened = open_dataset(tree.root()).value();
  CHECK(opened.dataset.kind == Kind::kMvtec);
  CHECK(lines_of(opened) == Lines{"test test/bent/0.jpg 1 ground_truth/bent/0_mask.png bent",
                                  "test test/crack/0.png 1 ground_truth/crack/0_mask.png crack",
                                  "test test/crack/1.png 1 ground_truth/crack/1.png crack",
                                  "test test/good/0.png 0 - -", "train train/good/0.png 0 - -",
                                  "train train/good/1.png 0 - -"});
  CHECK(opened.problems.empty());
  CHECK(open_dataset(tree.root(), of_kind(Kind::kFolder)).value().dataset.items.size() == 10);
}

TEST_CASE("other folders in train are unlabelled anomalies, nested folders and bare files are understood") {
  const TestTree tree;
  tree.files({"train/good/a.png", "train/crack/b.png", "train/c.png", "test/crack/side/d.png", "test/e.png",
              "ground_truth/crack/b_mask.png", "ground_truth/crack/side/d_mask.png"});
  const Opened opened = open_dataset(tree.root()).value();
  CHECK(lines_of(opened) == Lines{"test test/crack/side/d.png 1 ground_truth/crack/side/d_mask.png crack",
                                  "test test/e.png -1 - -", "train train/c.png -1 - -",
                                  "train train/crack/b.png 1 ground_truth/crack/b_mask.png crack",
                                  "train train/good/a.png 0 - -"});
}

TEST_CASE("without train/good the folders of train say nothing about labels") {
  const TestTree tree;
  tree.files({"train/batch1/a.png", "train/batch2/a.png", "test/good/b.png"});
  CHECK(lines_of(open_dataset(tree.root()).value()) ==
        Lines{"test test/good/b.png 0 - -", "train train/batch1/a.png -1 - -", "train train/batch2/a.png -1 - -"});
}

TEST_CASE("a defect image without a mask is a problem where there are masks at all") {
  const TestTree tree;
  tree.files({"train/good/a.png", "test/crack/b.png"});
  CHECK(open_dataset(tree.root()).value().problems.empty());
  tree.file("ground_truth/crack/other_mask.png");
  const Opened opened = open_dataset(tree.root()).value();
  CHECK(opened.truth.of("test/crack/b.png").label == 1);
  REQUIRE(opened.problems.size() == 1);
  CHECK(opened.problems[0].where == tree("test/crack/b.png"));
  CHECK(opened.problems[0].reason == "no mask ground_truth/crack/b_mask.png");
}

TEST_CASE("a category names a subfolder") {
  const TestTree tree;
  tree.files({"bottle/train/good/a.png", "bottle/test/good/b.png", "cable/train/good/c.png"});
  Options options;
  options.category = "bottle";
  const Opened opened = open_dataset(tree.root(), options).value();
  CHECK(opened.dataset.name == "bottle");
  CHECK(opened.dataset.kind == Kind::kMvtec);
  CHECK(opened.dataset.ids(Split::kTest) == Lines{"test/good/b.png"});
  options.category = "nut";
  CHECK(open_dataset(tree.root(), options).message() == tree.root() + ": no subfolder 'nut' (the category)");
}

TEST_CASE("kinds and options that do not fit a folder are errors") {
  const TestTree tree;
  tree.file("a.png");
  CHECK(open_dataset(tree.root(), of_kind(Kind::kMvtec)).message() ==
        tree.root() + ": expected folders train/ and test/, the layout of MVTec AD");
  CHECK(open_dataset(tree.root(), of_kind(Kind::kCsv)).message() ==
        tree.root() + ": a folder, expected a list of kind csv");
  CHECK(open_dataset(tree("a.png"), of_kind(Kind::kFolder)).message() ==
        tree("a.png") + ": not a folder, as kind folder needs");
  Options options;
  options.root = "x";
  CHECK(open_dataset(tree.root(), options).message() ==
        tree.root() + ": a root goes with a list, and this is a folder");
  tree.files({"empty/train/good/x.txt", "empty/test/x.txt"});
  CHECK(open_dataset(tree("empty")).message() ==
        tree("empty") + ": no image in train/ and test/ (png, jpg, bmp, tga, pgm, ppm)");
}

}  // namespace
}  // namespace assay::dataset
