// SPDX-License-Identifier: Apache-2.0
// Times one search or selection on the CPU for compare.py: reads float32 rows from files, writes the indices found, and
// prints the seconds of each run as JSON.
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "engine/ops/coreset_greedy.h"
#include "engine/ops/nearest_neighbour.h"
#include "engine/ops/packed_bank.h"
#include "engine/ops/top_k_neighbours.h"
#include "kernels/base/parallel.h"
#include "kernels/base/status.h"
#include "tools/assay/flags.h"

namespace assay::tools {
namespace {

const std::vector<Flag>& flag_table() {
  static const std::vector<Flag> table = {
      {"rows", FlagType::kText, "", "FILE", 0, 0, "float32 rows: the bank, or the points of a coreset"},
      {"queries", FlagType::kText, "", "FILE", 0, 0, "float32 rows to search for; without it a coreset is chosen"},
      {"dim", FlagType::kInt, "128", "D", 1, 65536, "numbers of a row"},
      {"neighbours", FlagType::kInt, "1", "K", 1, 64, "rows wanted for each query"},
      {"count", FlagType::kInt, "0", "N", 0, 1e9, "points of the coreset, the first of which is row 0"},
      {"threads", FlagType::kInt, "1", "N", 1, 1024, "threads to run on"},
      {"repeats", FlagType::kInt, "3", "N", 1, 1000, "timed runs, after one that is not"},
      {"out", FlagType::kText, "", "FILE", 0, 0, "gets the indices as int64"},
  };
  return table;
}

Result<Tensor> read_rows(const std::string& path, int64_t dim) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return Status::error(path, ": cannot be read");
  const int64_t bytes = file.tellg(), row_bytes = 4 * dim;
  if (bytes % row_bytes != 0) return Status::error(path, ": ", bytes, " bytes, expected whole rows of ", row_bytes);
  const Tensor rows = Tensor::empty<float>({bytes / row_bytes, dim}, "rows");
  file.seekg(0);
  if (!file.read(reinterpret_cast<char*>(rows.raw()), bytes)) return Status::error(path, ": cannot be read");
  return rows;
}

double seconds(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

Status run(const Flags& flags) {
  set_num_threads(static_cast<int>(flags.integer("threads")));
  const int64_t dim = flags.integer("dim");
  const Result<Tensor> read = read_rows(flags.text("rows"), dim);
  if (!read.ok()) return Status::error(read.message());
  const Tensor rows = read.value();
  std::function<Tensor()> work;  // returns indices
  if (flags.text("queries").empty()) {
    work = [&] { return ops::coreset_greedy(rows, flags.integer("count"), 0).index; };
  } else {
    const Result<Tensor> queries = read_rows(flags.text("queries"), dim);
    if (!queries.ok()) return Status::error(queries.message());
    const ops::PackedBank bank(rows);
    const int64_t k = flags.integer("neighbours");
    work = [k, bank, q = queries.value()] {
      return k == 1 ? ops::nearest_neighbour(q, bank).index : ops::top_k_neighbours(q, bank, k).index;
    };
  }
  Tensor index = work();
  std::string wall, processor;
  for (int64_t i = 0; i < flags.integer("repeats"); ++i) {
    const double wall_begin = seconds(CLOCK_MONOTONIC), processor_begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
    index = work();
    processor += (i > 0 ? ", " : "") + std::to_string(seconds(CLOCK_PROCESS_CPUTIME_ID) - processor_begin);
    wall += (i > 0 ? ", " : "") + std::to_string(seconds(CLOCK_MONOTONIC) - wall_begin);
  }
  std::printf("{\"wall_s\": [%s], \"processor_s\": [%s]}\n", wall.c_str(), processor.c_str());
  if (flags.text("out").empty()) return Status();
  std::ofstream out(flags.text("out"), std::ios::binary);
  out.write(reinterpret_cast<const char*>(index.raw()), static_cast<std::streamsize>(index.bytes()));
  if (!out.flush()) return Status::error(flags.text("out"), ": cannot be written");
  return Status();
}

}  // namespace
}  // namespace assay::tools

int main(int argc, char** argv) {
  using namespace assay::tools;
  if (argc == 2 && std::string(argv[1]) == "--help") {
    std::printf("search_times [flags]\n%s", help_text(flag_table()).c_str());
    return 0;
  }
  const auto flags = Flags::parse(flag_table(), {argv + 1, argv + argc});
  const assay::Status status = flags.ok() ? run(flags.value()) : flags.status();
  if (status.ok()) return 0;
  std::fprintf(stderr, "error: %s\n", status.message().c_str());
  return flags.ok() ? 1 : 2;
}
