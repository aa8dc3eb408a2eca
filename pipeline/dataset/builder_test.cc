// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dataset/builder.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "pipeline/dataset/test_tree.h"

namespace assay::dataset {
namespace {

Builder builder_at(const std::string& root) {
  return Builder("set", Kind::kCsv, root, [](Split split, int64_t n) { return text(to_string(split), " ", n); });
}

TEST_CASE("an id has no dots and no doubled separators") {
  CHECK(normalise_id("a/b.png").value() == "a/b.png");
  CHECK(normalise_id("./a//b/./c.png").value() == "a/b/c.png");
  CHECK(normalise_id("a/../b.png").value() == "b.png");
  CHECK(normalise_id("..a/b..").value() == "..a/b..");
  CHECK(normalise_id("a b/\xc3\xa4.png").value() == "a b/\xc3\xa4.png");
}

TEST_CASE("a path that leaves the root, is absolute, empty, too long or contains a NUL is refused") {
  CHECK(normalise_id("../x.png").message() == "'../x.png': the path leaves the root");
  CHECK(normalise_id("a/../../a/x.png").message() == "'a/../../a/x.png': the path leaves the root");
  CHECK(normalise_id("/x.png").message() ==
        "'/x.png': the path leaves the root: it is absolute, expected a relative one");
  CHECK(normalise_id("").message() == "the path is empty");
  CHECK(normalise_id("a/..").message() == "'a/..': the path is the root itself");
  CHECK(normalise_id(std::string("a\0b", 3)).message() == "the path contains a NUL character");
  CHECK(normalise_id(std::string(4095, 'a')).ok());
  CHECK(normalise_id(std::string(4096, 'a')).message().size() < 300);
}

TEST_CASE("names and folders of paths") {
  CHECK(base_name("a/b") == "b");
  CHECK(base_name("a/b//") == "b");
  CHECK(base_name("b") == "b");
  CHECK(base_name("/") == "");
  CHECK(parent_folder("a/b/c") == "a/b");
  CHECK(parent_folder("a//b/") == "a");
  CHECK(parent_folder("b") == ".");
  CHECK(parent_folder("/b") == "/");
}

TEST_CASE("items are sorted by id whatever the order they came in") {
  const TestTree tree;
  tree.files({"b.png", "a/z.png", "B.png"});
  Builder builder = builder_at(tree.root());
  REQUIRE(builder.add("b.png", Split::kTest, {1, "", "scratch"}, 1).ok());
  REQUIRE(builder.add("a/z.png", Split::kTrain, {}, 2).ok());
  REQUIRE(builder.add("./B.png", Split::kTrain, {0, "", ""}, 3).ok());
  const Opened opened = builder.finish().value();
  CHECK(lines_of(opened) ==
        std::vector<std::string>{"train B.png 0 - -", "train a/z.png -1 - -", "test b.png 1 - scratch"});
  CHECK(opened.dataset.ids(Split::kTrain) == std::vector<std::string>{"B.png", "a/z.png"});
  CHECK(opened.dataset.path_of("b.png") == tree("b.png"));
  CHECK(opened.truth.of("no such image").label == -1);
}

TEST_CASE("the same id twice is an error that names both places") {
  const TestTree tree;
  tree.file("a.png");
  Builder builder = builder_at(tree.root());
  REQUIRE(builder.add("a.png", Split::kTest, {}, 7).ok());
  REQUIRE(builder.add("x/../a.png", Split::kTrain, {}, 9).ok());
  CHECK(builder.finish().message() == "image 'a.png' occurs twice: train 9 and test 7");
}

TEST_CASE("missing images are left out, missing masks dropped, both are reported") {
  const TestTree tree;
  tree.files({"a.png", "folder.png/x"});
  Builder builder = builder_at(tree.root());
  REQUIRE(builder.add("a.png", Split::kTest, {1, "no.png", ""}, 1).ok());
  REQUIRE(builder.add("b.png", Split::kTest, {}, 2).ok());
  REQUIRE(builder.add("folder.png", Split::kTest, {}, 3).ok());
  const Opened opened = builder.finish().value();
  CHECK(lines_of(opened) == std::vector<std::string>{"test a.png 1 - -"});
  REQUIRE(opened.problems.size() == 3);
  CHECK(opened.problems[0].where == "test 1");
  CHECK(opened.problems[0].reason == "mask 'no.png': No such file or directory");
  CHECK(opened.problems[1].where == "test 2");
  CHECK(opened.problems[1].reason == "image 'b.png': No such file or directory");
  CHECK(opened.problems[2].reason == "image 'folder.png': not a regular file");
}

TEST_CASE("a list none of whose images exists is an error that asks for the root") {
  const TestTree tree;
  Builder builder = builder_at(tree.root());
  REQUIRE(builder.add("a.png", Split::kTest, {}, 1).ok());
  const std::string message = builder.finish().message();
  CHECK(message == "set: none of the 1 images exists below '" + tree.root() + "' (the first: " + tree("a.png") +
                       ": No such file or directory); is that the root?");
}

TEST_CASE("one file under several names is fine") {
  const TestTree tree;
  tree.file("a.png");
  tree.link("b.png", "a.png");
  Builder builder = builder_at(tree.root());
  REQUIRE(builder.add("a.png", Split::kTrain, {}, 1).ok());
  REQUIRE(builder.add("b.png", Split::kTest, {}, 2).ok());
  CHECK(builder.finish().value().dataset.items.size() == 2);
}

}  // namespace
}  // namespace assay::dataset
