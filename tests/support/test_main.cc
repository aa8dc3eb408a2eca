// SPDX-License-Identifier: Apache-2.0
// doctest's main, taught what Bazel asks of a test: a JUnit file with the
// single cases (XML_OUTPUT_FILE), and --test_filter (TESTBRIDGE_TEST_ONLY).
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/backend.h"

namespace {
std::ofstream& xml_file() {
  static std::ofstream f;
  return f;
}

doctest::ContextOptions to_file(const doctest::ContextOptions& o) {
  doctest::ContextOptions copy = o;
  if (const char* path = std::getenv("XML_OUTPUT_FILE")) xml_file().open(path);
  copy.cout = &xml_file();
  return copy;
}

// A listener, so that the console reporter still writes the log.
struct BazelXml : doctest::IReporter {
  doctest::ContextOptions options;
  doctest::JUnitReporter junit;
  explicit BazelXml(const doctest::ContextOptions& o) : options(to_file(o)), junit(options) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override { junit.test_run_start(); }
  void test_run_end(const doctest::TestRunStats& s) override {
    junit.test_run_end(s);
    xml_file().flush();
  }
  void test_case_start(const doctest::TestCaseData& d) override { junit.test_case_start(d); }
  void test_case_reenter(const doctest::TestCaseData& d) override { junit.test_case_reenter(d); }
  void test_case_end(const doctest::CurrentTestCaseStats& s) override { junit.test_case_end(s); }
  void test_case_exception(const doctest::TestCaseException& e) override { junit.test_case_exception(e); }
  void subcase_start(const doctest::SubcaseSignature& s) override { junit.subcase_start(s); }
  void subcase_end() override { junit.subcase_end(); }
  void log_assert(const doctest::AssertData& d) override { junit.log_assert(d); }
  void log_message(const doctest::MessageData& d) override { junit.log_message(d); }
  void test_case_skipped(const doctest::TestCaseData& d) override { junit.test_case_skipped(d); }
};
REGISTER_LISTENER("bazel_xml", 1, BazelXml);
}  // namespace

int main(int argc, char** argv) {
  assay::testing::choose_test_backend(argc, argv);
  doctest::Context context(argc, argv);
  if (const char* only = std::getenv("TESTBRIDGE_TEST_ONLY")) context.addFilter("test-case", only);
  return context.run();
}
