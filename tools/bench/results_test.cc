// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/results.h"

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace assay::bench {
namespace {

constexpr const char* kMachine = "Some CPU, 2 threads, wall clock";

Result<EarlierRun> read(const std::string& csv) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.path() + "/run.csv";
  std::ofstream(path) << csv;
  return EarlierRun::read(path, kMachine);
}

std::string run_of(const std::string& machine, const std::string& rows) {
  return "# " + machine + "\n# g++ 12\nkernel,shape,dtype,arithmetic,device,min_us,median_us\n" + rows;
}

TEST_CASE("percentile takes the nearest of the values") {
  CHECK(percentile({3, 1, 2}, 0) == 1);
  CHECK(percentile({3, 1, 2}, 0.5) == 2);
  CHECK(percentile({3, 1, 2}, 0.95) == 3);
  CHECK(percentile({4}, 0.5) == 4);
}

TEST_CASE("csv_cells keeps commas between quotes, and empty cells") {
  CHECK(csv_cells("conv2d,\"16x8:4,3x3/2\",,f32") == std::vector<std::string>{"conv2d", "16x8:4,3x3/2", "", "f32"});
}

TEST_CASE("an earlier run gives the times of its cases by kernel and shape") {
  const Result<EarlierRun> earlier =
      read(run_of(kMachine, "gemm,\"8x8,x\",f32,float32,cpu,1.5,2\ngemm,8x9,f32,float32,cpu,3,4\n"));
  REQUIRE(earlier.ok());
  CHECK(earlier.value().has("gemm", "8x8,x"));
  CHECK(!earlier.value().has("gemm", "8x8"));
  CHECK(earlier.value().times("gemm", "8x8,x") == std::pair<double, double>{1.5, 2});
  CHECK(earlier.value().times("gemm", "8x9") == std::pair<double, double>{3, 4});
}

TEST_CASE("an earlier run of another machine is refused, and both are named") {
  const std::string message = read(run_of("Other CPU", "gemm,8x8,f32,float32,cpu,1,2\n")).message();
  CHECK(message.find("measured on 'Other CPU', but this is 'Some CPU, 2 threads, wall clock'") != std::string::npos);
}

TEST_CASE("what is no csv of a run is refused with its reason") {
  CHECK(EarlierRun::read("/no/such/file", kMachine).message() == "/no/such/file: cannot be read");
  CHECK(read("").message().find("holds no case") != std::string::npos);
  CHECK(read(run_of(kMachine, "")).message().find("holds no case") != std::string::npos);
  CHECK(read(run_of(kMachine, "gemm,8x8,f32,float32,cpu,1\n")).message().find("not written by bench --csv") !=
        std::string::npos);
  CHECK(read(run_of(kMachine, "gemm,8x8,f32,float32,cpu,0,0\n")).message().find("'gemm,8x8,f32,float32,cpu,0,0'") !=
        std::string::npos);
}

}  // namespace
}  // namespace assay::bench
