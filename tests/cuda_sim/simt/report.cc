// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/simt/report.h"

#include <cxxabi.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <tuple>

#include "tests/cuda_sim/simt/block.h"

namespace assay::cuda_sim {
namespace {

// More than these are counted, not printed: the first ones tell what is wrong.
constexpr size_t kMaxPrinted = 50;

// Never destroyed: reports may come while the process ends.
struct Log {
  std::mutex mutex;
  std::vector<Report> reports;
  // Where each fault is in `reports`. A fault of the host's has no line and is told apart by its text.
  std::map<std::tuple<Fault, const SourceLine*, std::string>, size_t> known;
  size_t num_printed = 0;
};

void fail_process_with_reports();

Log& log() {
  static Log* log = [] {
    std::atexit(fail_process_with_reports);
    return new Log;
  }();
  return *log;
}

void fail_process_with_reports() {
  std::lock_guard<std::mutex> lock(log().mutex);
  if (log().reports.empty()) return;
  std::fflush(nullptr);
  std::fprintf(stderr, "cuda_sim: %zu kinds of fault were reported: the process fails\n", log().reports.size());
  _exit(kFailureCode);
}

// Without the folder in which Bazel ran the compiler.
std::string short_name(const char* file) {
  const std::string name = file;
  const size_t root = name.find("/execroot/");
  if (root == std::string::npos) return name;
  const size_t end = name.find('/', root + 10);
  return end == std::string::npos ? name : name.substr(end + 1);
}

// The innermost line that isn't in a header of the toolkit: a shuffle's own line is in sm_30_intrinsics.hpp.
const SourceLine* own_line(const SourceLine* where) {
  while (where != nullptr && where->inlined_at != nullptr && std::strstr(where->file, "/include/") != nullptr) {
    where = where->inlined_at;
  }
  return where;
}

std::string formatted(const char* format, va_list arguments) {
  char text[1024];
  std::vsnprintf(text, sizeof text, format, arguments);
  return text;
}

void print(const Report& report, const SourceLine* where) {
  if (++log().num_printed > kMaxPrinted) return;
  std::fprintf(stderr, "cuda_sim: %s: %s\n", fault_name(report.fault), report.text.c_str());
  if (!report.kernel.empty()) {
    std::fprintf(stderr, "cuda_sim:   at %s, block (%u, %u, %u), thread (%u, %u, %u) of %s\n", place(where).c_str(),
                 report.block[0], report.block[1], report.block[2], report.thread[0], report.thread[1],
                 report.thread[2], report.kernel.c_str());
  }
  if (log().num_printed == kMaxPrinted) std::fprintf(stderr, "cuda_sim: further faults are counted, not printed\n");
}

void add(Report report, const SourceLine* where) {
  std::lock_guard<std::mutex> lock(log().mutex);
  const auto key = std::make_tuple(report.fault, where, where != nullptr ? std::string() : report.text);
  const auto [known, is_new] = log().known.emplace(key, log().reports.size());
  if (!is_new) {
    ++log().reports[known->second].count;
    return;
  }
  print(report, where);
  log().reports.push_back(std::move(report));
}

void add(const Thread& thread, Fault fault, const SourceLine* where, std::string text) {
  const BlockContext& block = *thread.block;
  Report report;
  report.fault = fault;
  report.text = std::move(text);
  if (const SourceLine* own = own_line(where); own != nullptr) {
    report.file = short_name(own->file);
    report.line = own->line;
  }
  report.kernel = demangled(launch_of(thread).kernel->name);
  const uint32_t ids[2][3] = {{block.ctaid.x, block.ctaid.y, block.ctaid.z},
                              {thread.tid.x, thread.tid.y, thread.tid.z}};
  for (int axis = 0; axis < 3; ++axis) {
    report.block[axis] = ids[0][axis];
    report.thread[axis] = ids[1][axis];
  }
  add(std::move(report), where);
}

}  // namespace

const char* fault_name(Fault fault) {
  switch (fault) {
    case Fault::kOutOfBounds:
      return "out of bounds";
    case Fault::kFreedMemory:
      return "freed memory";
    case Fault::kOtherDevice:
      return "memory of another device";
    case Fault::kHostPointer:
      return "host pointer";
    case Fault::kReadOnly:
      return "write to read-only memory";
    case Fault::kMisaligned:
      return "misaligned access";
    case Fault::kRace:
      return "race";
    case Fault::kUninitialised:
      return "uninitialised memory";
    case Fault::kUnordered:
      return "unordered streams";
    case Fault::kDivergence:
      return "divergence";
    case Fault::kDeadlock:
      return "deadlock";
    case Fault::kAssert:
      return "assertion";
    case Fault::kTrap:
      return "trap";
    case Fault::kUnsupported:
      return "unsupported";
    case Fault::kStackOverflow:
      return "crash";
    case Fault::kLaunchUnchecked:
      return "launch error that nobody asked for";
    case Fault::kPinnedMemory:
      return "pinned memory";
    case Fault::kBadCall:
      return "bad call";
  }
  return "fault";
}

void report_host(Fault fault, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  Report report;
  report.fault = fault;
  report.text = formatted(format, arguments);
  va_end(arguments);
  add(std::move(report), nullptr);
}

void report(const Thread& thread, Fault fault, const SourceLine* where, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  add(thread, fault, where, formatted(format, arguments));
  va_end(arguments);
}

void fail(Thread& thread, Fault fault, const SourceLine* where, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  add(thread, fault, where, formatted(format, arguments));
  va_end(arguments);
  abandon(thread, fault);
}

std::string place(const SourceLine* where) {
  if (where == nullptr) return "an unknown line";
  where = own_line(where);
  std::string text = short_name(where->file) + ":" + std::to_string(where->line);
  for (const SourceLine* caller = where->inlined_at; caller != nullptr; caller = caller->inlined_at) {
    text += " inlined at " + short_name(caller->file) + ":" + std::to_string(caller->line);
  }
  return text;
}

bool is_same_place(const SourceLine* a, const SourceLine* b) {
  while (a != b) {
    if (a == nullptr || b == nullptr || a->line != b->line || std::strcmp(a->file, b->file) != 0) return false;
    a = a->inlined_at;
    b = b->inlined_at;
  }
  return true;
}

std::string demangled(const char* name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string result = status == 0 ? text : name;
  std::free(text);
  return result;
}

std::vector<Report> drain_reports() {
  std::lock_guard<std::mutex> lock(log().mutex);
  std::vector<Report> taken;
  taken.swap(log().reports);
  log().known.clear();
  log().num_printed = 0;
  return taken;
}

}  // namespace assay::cuda_sim
