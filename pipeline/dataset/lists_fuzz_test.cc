// SPDX-License-Identifier: Apache-2.0
// Lists cut off at every byte and with every byte replaced: a result or an error in one line, never a crash.
#include <doctest/doctest.h>

#include <functional>
#include <string>

#include "pipeline/dataset/csv_list_reader.h"
#include "pipeline/dataset/real_iad_reader.h"
#include "pipeline/dataset/test_tree.h"
#include "pipeline/dataset/visa_reader.h"

namespace assay::dataset {
namespace {

using Reader = std::function<Result<Opened>(const ListSource&)>;

void check_one(const Reader& read, const std::string& root, const std::string& bytes, int* num_ok) {
  // A copy of exact size, so that a sanitizer sees a read behind the end.
  const std::vector<char> exact(bytes.begin(), bytes.end());
  const Result<Opened> opened = read({"list.any", {exact.data(), exact.size()}, root});
  *num_ok += opened.ok();
  if (opened.ok()) {
    REQUIRE(!opened.value().dataset.items.empty());
  } else {
    REQUIRE(!opened.message().empty());
    REQUIRE(opened.message().find('\n') == std::string::npos);
  }
}

void fuzz(const Reader& read, const std::string& whole) {
  const TestTree tree;
  tree.files({"a.png", "b/c.png", "b/m.png"});
  int num_ok = 0;
  check_one(read, tree.root(), whole, &num_ok);
  REQUIRE(num_ok == 1);
  for (size_t n = 0; n < whole.size(); ++n) {
    check_one(read, tree.root(), whole.substr(0, n), &num_ok);
    for (const char c : {'\0', '"', ',', '\n', '\r', '/', '.', '[', '{', '\\', '\x80', '\xff', '1'}) {
      std::string corrupt = whole;
      corrupt[n] = c;
      check_one(read, tree.root(), corrupt, &num_ok);
      check_one(read, tree.root(), whole.substr(0, n) + c + whole.substr(n), &num_ok);
    }
  }
  CHECK(num_ok > 100);  // the loop reached beyond the first checks
}

TEST_CASE("our list survives truncation and corruption at every byte") {
  fuzz(read_csv_list, "\xef\xbb\xbfsplit,path,label,mask\r\ntrain,a.png,0,\r\n\"test\",\"b/c.png\",1,b/m.png\r\n");
}

TEST_CASE("VisA's list survives truncation and corruption at every byte") {
  const Reader read = [](const ListSource& source) { return read_visa(source, "x"); };
  fuzz(read,
       "object,split,label,image,mask\nx,train,normal,a.png,\nx,test,anomaly,b/c.png,b/m.png\ny,test,normal,q,\n");
}

TEST_CASE("Real-IAD's list survives truncation and corruption at every byte") {
  fuzz(read_real_iad,
       R"({"meta":{"prefix":"b/","normal_class":"OK"},"train":[{"anomaly_class":"OK","image_path":"../a.png"}],)"
       R"("test":[{"anomaly_class":"AK","image_path":"c.png","mask_path":"m.png"},{"image_path":"m.png","x":[{}]}]})");
}

}  // namespace
}  // namespace assay::dataset
