// SPDX-License-Identifier: Apache-2.0
// Streams run late: what isn't ordered by stream, event or wait shows as wrong results, poison or a report.
#include <cuda_runtime_api.h>
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "tests/cuda_sim/cudart/library_call.h"
#include "tests/cuda_sim/faults/device_array.h"

namespace assay::cuda_sim {
namespace {

constexpr int kN = 64;

class TestStream {
 public:
  explicit TestStream(unsigned flags = cudaStreamNonBlocking) {
    CHECK_CUDA(cudaStreamCreateWithFlags(&stream_, flags));
  }
  ~TestStream() { (void)cudaStreamDestroy(stream_); }
  TestStream(const TestStream&) = delete;
  TestStream& operator=(const TestStream&) = delete;
  operator cudaStream_t() const { return stream_; }  // NOLINT: it is one

 private:
  cudaStream_t stream_ = nullptr;
};

class TestEvent {
 public:
  TestEvent() { CHECK_CUDA(cudaEventCreate(&event_)); }
  ~TestEvent() { (void)cudaEventDestroy(event_); }
  TestEvent(const TestEvent&) = delete;
  TestEvent& operator=(const TestEvent&) = delete;
  operator cudaEvent_t() const { return event_; }  // NOLINT: it is one

 private:
  cudaEvent_t event_ = nullptr;
};

class Pinned {
 public:
  explicit Pinned(const std::vector<float>& values) {
    CHECK_CUDA(cudaMallocHost(reinterpret_cast<void**>(&data), values.size() * sizeof(float)));
    std::copy(values.begin(), values.end(), data);
  }
  ~Pinned() { (void)cudaFreeHost(data); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  float* data = nullptr;
};

TEST_CASE("work of one stream runs in order, and only when waited for") {
  const TestStream stream;
  const DeviceArray x(counting(kN));
  const DeviceArray y(kN);
  const int64_t before = num_launches();
  CHECK_CUDA(launch(test_kernels().add_one, 1, kN, x.data(), y.data(), kN, stream));
  CHECK_CUDA(launch(test_kernels().accumulate, 1, kN, y.data(), y.data(), kN, stream));
  CHECK(num_launches() == before);
  CHECK_CUDA(cudaStreamSynchronize(stream));
  CHECK(num_launches() == before + 2);
  CHECK(y.download()[0] == 4.0f);
  expect_no_reports();
}

TEST_CASE("a missing event shows as poison and, under race detection, as a report") {
  for (const bool has_event : {true, false}) {
    for (const bool race : {false, true}) {
      INFO("event ", has_event, ", race ", race);
      set_seed(0);  // the copy, which nobody waits for, comes last
      set_race_detection(race);
      {
        const TestStream producer;
        const TestStream consumer;
        const TestEvent event;
        const Pinned source(counting(kN));
        const DeviceArray x(kN);
        const DeviceArray y(kN);
        CHECK_CUDA(cudaMemcpyAsync(x.data(), source.data, kN * 4, cudaMemcpyHostToDevice, producer));
        CHECK_CUDA(cudaEventRecord(event, producer));
        if (has_event) CHECK_CUDA(cudaStreamWaitEvent(consumer, event, 0));
        CHECK_CUDA(launch(test_kernels().add_one, 1, kN, x.data(), y.data(), kN, consumer));
        CHECK_CUDA(cudaStreamSynchronize(consumer));
        CHECK_CUDA(cudaStreamSynchronize(producer));
        const std::vector<float> result = y.download();
        if (has_event) {
          CHECK(result[kN - 1] == kN + 1.0f);
          expect_no_reports();
        } else {
          CHECK(std::isnan(result[kN - 1]));
          bool is_reported = false;
          for (const Report& report : take_reports()) is_reported |= report.fault == Fault::kUnordered;
          CHECK(is_reported == race);
        }
      }
      set_race_detection(false);
    }
  }
}

TEST_CASE("two kernels on two streams that write the same bytes are reported in every order") {
  for (const uint64_t seed : {0, 1, 2, 3}) {
    set_seed(seed);
    set_race_detection(true);
    {
      const TestStream first;
      const TestStream second;
      const DeviceArray x(counting(kN));
      const DeviceArray y(kN);
      CHECK_CUDA(launch(test_kernels().add_one, 1, kN, x.data(), y.data(), kN, first));
      CHECK_CUDA(launch(test_kernels().add_one, 1, kN, x.data(), y.data(), kN, second));
      CHECK_CUDA(cudaDeviceSynchronize());
      const std::vector<Report> reports = expect_reports(Fault::kUnordered);
      REQUIRE(reports.size() == 1);
      CHECK(reports[0].file.find("test_kernels.cu") != std::string::npos);
      // With the host waiting in between there is no fault.
      CHECK_CUDA(launch(test_kernels().add_one, 1, kN, x.data(), y.data(), kN, first));
      CHECK_CUDA(cudaStreamSynchronize(first));
      CHECK_CUDA(launch(test_kernels().add_one, 1, kN, x.data(), y.data(), kN, second));
      CHECK_CUDA(cudaStreamSynchronize(second));
      expect_no_reports();
    }
    set_race_detection(false);
  }
  set_seed(0);
}

TEST_CASE("with a seed, streams overtake each other") {
  // Which of two accumulations into different halves ran first can't be seen; which of two writes to one place can.
  bool has_first = false;
  bool has_second = false;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    set_seed(seed);
    const TestStream first;
    const TestStream second;
    const DeviceArray x(counting(kN));
    const DeviceArray y(kN);
    CHECK_CUDA(cudaMemsetAsync(y.data(), 0, 4, first));
    CHECK_CUDA(launch(test_kernels().add_one, 1, 1, x.data(), y.data(), 1, second));
    CHECK_CUDA(cudaDeviceSynchronize());
    (y.download()[0] == 0.0f ? has_first : has_second) = true;
  }
  set_seed(0);
  CHECK(has_first);
  CHECK(has_second);
  expect_no_reports();
}

TEST_CASE("the legacy default stream waits for blocking streams, and they for it") {
  for (const uint64_t seed : {0, 5, 6}) {
    set_seed(seed);
    set_race_detection(true);
    {
      const TestStream blocking(cudaStreamDefault);
      const DeviceArray x(counting(kN));
      const DeviceArray y(kN);
      CHECK_CUDA(launch(test_kernels().add_one, 1, kN, x.data(), y.data(), kN, blocking));
      CHECK_CUDA(launch(test_kernels().accumulate, 1, kN, x.data(), y.data(), kN, nullptr));
      CHECK_CUDA(launch(test_kernels().accumulate, 1, kN, x.data(), y.data(), kN, blocking));
      CHECK_CUDA(cudaStreamSynchronize(blocking));
      CHECK(y.download()[1] == 7.0f);
      expect_no_reports();
      const TestStream non_blocking;
      CHECK_CUDA(launch(test_kernels().add_one, 1, kN, x.data(), y.data(), kN, nullptr));
      CHECK_CUDA(launch(test_kernels().add_one, 1, kN, x.data(), y.data(), kN, non_blocking));
      CHECK_CUDA(cudaDeviceSynchronize());
      expect_reports(Fault::kUnordered);
    }
    set_race_detection(false);
  }
  set_seed(0);
}

TEST_CASE("results of an asynchronous copy are poison until it is waited for") {
  const TestStream stream;
  const DeviceArray x(counting(kN));
  const Pinned result(std::vector<float>(kN, 5.0f));
  CHECK_CUDA(cudaMemcpyAsync(result.data, x.data(), kN * 4, cudaMemcpyDeviceToHost, stream));
  CHECK(std::isnan(result.data[0]));
  CHECK_CUDA(cudaStreamSynchronize(stream));
  CHECK(result.data[kN - 1] == kN);
  // To pageable memory the call itself waits.
  std::vector<float> pageable(kN);
  CHECK_CUDA(cudaMemcpyAsync(pageable.data(), x.data(), kN * 4, cudaMemcpyDeviceToHost, stream));
  CHECK(pageable[kN - 1] == kN);
  expect_no_reports();
}

TEST_CASE("a pinned buffer that goes or changes while a copy is pending is reported") {
  const TestStream stream;
  const DeviceArray x(kN);
  {
    const Pinned source(counting(kN));
    CHECK_CUDA(cudaMemcpyAsync(x.data(), source.data, kN * 4, cudaMemcpyHostToDevice, stream));
    source.data[3] = -1.0f;
    CHECK_CUDA(cudaStreamSynchronize(stream));
    expect_reports(Fault::kPinnedMemory);
    CHECK_CUDA(cudaMemcpyAsync(x.data(), source.data, kN * 4, cudaMemcpyHostToDevice, stream));
    CHECK_CUDA(cudaStreamSynchronize(stream));
    source.data[3] = 4.0f;
    expect_no_reports();
    CHECK_CUDA(cudaMemcpyAsync(x.data(), source.data, kN * 4, cudaMemcpyHostToDevice, stream));
  }
  expect_reports(Fault::kPinnedMemory);
  // Pageable memory is the program's again as soon as the call returns.
  std::vector<float> source = counting(kN);
  CHECK_CUDA(cudaMemcpyAsync(x.data(), source.data(), kN * 4, cudaMemcpyHostToDevice, stream));
  source.assign(kN, 0.0f);
  CHECK_CUDA(cudaStreamSynchronize(stream));
  CHECK(x.download()[kN - 1] == kN);
  expect_no_reports();
}

TEST_CASE("a copy that a broken GPU never makes keeps no pinned buffer") {
  const TestStream stream;
  const TestStream other;
  const DeviceArray x(counting(kN));
  const DeviceArray y(kN);
  {
    const Pinned result(std::vector<float>(kN, 5.0f));
    break_in_launch(1);
    CHECK_CUDA(launch(test_kernels().add_one, 1, kN, x.data(), y.data(), kN, stream));
    CHECK_CUDA(cudaMemcpyAsync(result.data, x.data(), kN * 4, cudaMemcpyDeviceToHost, other));
    CHECK(cudaStreamSynchronize(stream) == cudaErrorIllegalAddress);
  }
  expect_no_reports();  // and mends the device
}

TEST_CASE("memory allocated in stream order is there for its stream, not for others") {
  for (const uint64_t seed : {0, 4}) {
    set_seed(seed);
    const TestStream stream;
    const TestStream other;
    const DeviceArray x(counting(kN));
    float* y = nullptr;
    CHECK_CUDA(cudaMallocAsync(reinterpret_cast<void**>(&y), kN * 4, stream));
    CHECK_CUDA(launch(test_kernels().add_one, 1, kN, x.data(), y, kN, stream));
    std::vector<float> result(kN);
    CHECK_CUDA(cudaMemcpyAsync(result.data(), y, kN * 4, cudaMemcpyDeviceToHost, stream));
    CHECK_CUDA(cudaFreeAsync(y, stream));
    CHECK_CUDA(cudaStreamSynchronize(stream));
    CHECK(result[0] == 2.0f);
    expect_no_reports();
    // After the free.
    CHECK_CUDA(launch(test_kernels().add_one, 1, kN, x.data(), y, kN, stream));
    CHECK(cudaStreamSynchronize(stream) == cudaErrorIllegalAddress);
    expect_reports(Fault::kFreedMemory);
    CHECK(cudaFreeAsync(y, stream) == cudaErrorInvalidValue);
    expect_reports(Fault::kFreedMemory);
  }
  set_seed(0);
  // Before the allocation: only the other stream is waited for.
  const TestStream stream;
  const TestStream other;
  const DeviceArray x(counting(kN));
  float* y = nullptr;
  CHECK_CUDA(cudaMallocAsync(reinterpret_cast<void**>(&y), kN * 4, stream));
  CHECK_CUDA(launch(test_kernels().add_one, 1, kN, x.data(), y, kN, other));
  CHECK(cudaStreamSynchronize(other) == cudaErrorIllegalAddress);
  expect_reports(Fault::kFreedMemory);
  CHECK_CUDA(cudaFreeAsync(y, stream));
  CHECK_CUDA(cudaDeviceSynchronize());
  CHECK(num_allocated_bytes(0) == kN * 4);
}

TEST_CASE("freeing in one stream what another still uses is reported in every order") {
  for (const uint64_t seed : {0, 1, 2, 3}) {
    set_seed(seed);
    set_race_detection(true);
    {
      const TestStream stream;
      const TestStream other;
      const DeviceArray x(counting(kN));
      float* y = nullptr;
      CHECK_CUDA(cudaMallocAsync(reinterpret_cast<void**>(&y), kN * 4, stream));
      CHECK_CUDA(cudaStreamSynchronize(stream));
      CHECK_CUDA(launch(test_kernels().add_one, 1, kN, x.data(), y, kN, other));
      CHECK_CUDA(cudaFreeAsync(y, stream));
      (void)cudaDeviceSynchronize();
      const std::vector<Report> reports = take_reports();
      REQUIRE(reports.size() == 1);
      const bool is_right = reports[0].fault == Fault::kUnordered || reports[0].fault == Fault::kFreedMemory;
      CHECK(is_right);
    }
    set_race_detection(false);
  }
  set_seed(0);
}

TEST_CASE("memory of a pool is open to another device only by cudaMemPoolSetAccess") {
  const TestStream stream;
  float* y = nullptr;
  CHECK_CUDA(cudaMallocAsync(reinterpret_cast<void**>(&y), kN * 4, stream));
  CHECK_CUDA(cudaMemsetAsync(y, 0, kN * 4, stream));
  CHECK_CUDA(cudaStreamSynchronize(stream));
  cudaMemPool_t pool = nullptr;
  CHECK_CUDA(cudaDeviceGetDefaultMemPool(&pool, 0));
  CHECK_CUDA(cudaSetDevice(1));
  {
    const DeviceArray result(kN);
    CHECK_CUDA(cudaDeviceEnablePeerAccess(0, 0));
    CHECK_CUDA(launch(test_kernels().add_one, 1, kN, y, result.data(), kN));
    CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
    expect_reports(Fault::kOtherDevice);
    CHECK_CUDA(cudaDeviceDisablePeerAccess(0));
    cudaMemAccessDesc access = {};
    access.location.type = cudaMemLocationTypeDevice;
    access.location.id = 1;
    access.flags = cudaMemAccessFlagsProtReadWrite;
    CHECK_CUDA(cudaMemPoolSetAccess(pool, &access, 1));
    CHECK_CUDA(launch(test_kernels().add_one, 1, kN, y, result.data(), kN));
    CHECK(result.download()[0] == 1.0f);
    access.flags = cudaMemAccessFlagsProtNone;
    CHECK_CUDA(cudaMemPoolSetAccess(pool, &access, 1));
  }
  CHECK_CUDA(cudaSetDevice(0));
  CHECK_CUDA(cudaFreeAsync(y, stream));
  expect_no_reports();
}

TEST_CASE("calls of other libraries run in stream order and are checked like kernels") {
  set_race_detection(true);
  {
    const TestStream stream;
    const TestStream other;
    const DeviceArray x(kN);
    const DeviceArray y(kN);
    const auto call = [&](const float* from, size_t row_bytes, size_t num_rows, cudaStream_t on) {
      float* to = y.data();
      return enqueue_library_call("copy_rows", on, {{from, row_bytes, num_rows, 32}, {to, 4, 1, 0, false, true}},
                                  [from, to] { to[0] = from[0] + 1.0f; });
    };
    CHECK_CUDA(cudaMemcpyAsync(x.data(), counting(kN).data(), kN * 4, cudaMemcpyHostToDevice, stream));
    CHECK_CUDA(call(x.data(), 32, 8, stream));
    CHECK_CUDA(cudaStreamSynchronize(stream));
    CHECK(y.download()[0] == 2.0f);
    expect_no_reports();
    CHECK(call(x.data(), 36, 8, stream) == cudaErrorInvalidValue);
    expect_reports(Fault::kOutOfBounds);
    const float on_host = 1.0f;
    CHECK(call(&on_host, 4, 1, stream) == cudaErrorInvalidValue);
    expect_reports(Fault::kHostPointer);
    mark_uninitialised(x.data() + 63, 4);
    CHECK_CUDA(call(x.data(), 32, 8, stream));
    CHECK_CUDA(cudaStreamSynchronize(stream));
    expect_reports(Fault::kUninitialised);
    CHECK_CUDA(call(x.data(), 4, 1, stream));
    CHECK_CUDA(call(x.data(), 4, 1, other));
    CHECK_CUDA(cudaDeviceSynchronize());
    expect_reports(Fault::kUnordered);
  }
  set_race_detection(false);
}

TEST_CASE("events order, say whether they are over, and measure time") {
  const TestStream stream;
  const TestEvent begin;
  const TestEvent end;
  const DeviceArray x(counting(kN));
  const DeviceArray y(kN);
  CHECK_CUDA(cudaEventSynchronize(begin));  // never recorded: over
  CHECK_CUDA(cudaEventQuery(begin));
  CHECK_CUDA(cudaEventRecord(begin, stream));
  CHECK_CUDA(launch(test_kernels().add_one, 1, kN, x.data(), y.data(), kN, stream));
  CHECK_CUDA(cudaEventRecord(end, stream));
  float ms = -1.0f;
  CHECK(cudaEventElapsedTime(&ms, begin, end) == cudaErrorNotReady);
  CHECK(cudaEventQuery(end) == cudaErrorNotReady);
  int num_polls = 1;
  while (cudaEventQuery(end) == cudaErrorNotReady) ++num_polls;
  CHECK(num_polls <= 4);
  CHECK_CUDA(cudaEventElapsedTime(&ms, begin, end));
  CHECK(ms >= 0.0f);
  CHECK_CUDA(cudaStreamQuery(stream));
  CHECK(y.download()[0] == 2.0f);
  cudaEvent_t destroyed = nullptr;
  CHECK_CUDA(cudaEventCreateWithFlags(&destroyed, cudaEventDisableTiming));
  CHECK_CUDA(cudaEventDestroy(destroyed));
  CHECK(cudaEventRecord(destroyed, stream) == cudaErrorInvalidResourceHandle);
  expect_reports(Fault::kBadCall);
}

TEST_CASE("callbacks run in stream order and may not call the runtime") {
  const TestStream stream;
  const DeviceArray x(counting(kN));
  const Pinned result(std::vector<float>(kN, 0.0f));
  struct Seen {
    float* data;
    float value = 0.0f;
    cudaError_t error = cudaSuccess;
    bool calls = false;
  };
  Seen seen;
  seen.data = result.data;
  const auto callback = [](void* data) {
    auto* target = static_cast<Seen*>(data);
    target->value = target->data[kN - 1];
    if (target->calls) target->error = cudaDeviceSynchronize();
  };
  CHECK_CUDA(cudaMemcpyAsync(result.data, x.data(), kN * 4, cudaMemcpyDeviceToHost, stream));
  CHECK_CUDA(cudaLaunchHostFunc(stream, callback, &seen));
  CHECK(seen.value == 0.0f);
  CHECK_CUDA(cudaStreamSynchronize(stream));
  CHECK(seen.value == kN);
  expect_no_reports();
  seen.calls = true;
  CHECK_CUDA(cudaLaunchHostFunc(stream, callback, &seen));
  CHECK_CUDA(cudaStreamSynchronize(stream));
  CHECK(seen.error == cudaErrorNotPermitted);
  expect_reports(Fault::kBadCall);
}

TEST_CASE("a destroyed stream is reported, and its work still runs") {
  cudaStream_t stream = nullptr;
  CHECK_CUDA(cudaStreamCreate(&stream));
  const DeviceArray x(counting(kN));
  const DeviceArray y(kN);
  CHECK_CUDA(launch(test_kernels().add_one, 1, kN, x.data(), y.data(), kN, stream));
  CHECK_CUDA(cudaStreamDestroy(stream));
  CHECK_CUDA(cudaDeviceSynchronize());
  CHECK(y.download()[0] == 2.0f);
  expect_no_reports();
  CHECK(cudaStreamSynchronize(stream) == cudaErrorInvalidResourceHandle);
  expect_reports(Fault::kBadCall);
}

TEST_CASE("a stream of another device can't take a launch") {
  CHECK_CUDA(cudaSetDevice(1));
  const TestStream foreign;
  CHECK_CUDA(cudaSetDevice(0));
  const DeviceArray x(counting(kN));
  const DeviceArray y(kN);
  CHECK(launch(test_kernels().add_one, 1, kN, x.data(), y.data(), kN, foreign) == cudaErrorInvalidResourceHandle);
  CHECK(cudaGetLastError() == cudaErrorInvalidResourceHandle);
  expect_reports(Fault::kBadCall);
}

TEST_CASE("several OS threads may use the runtime at once") {
  std::atomic<int> num_wrong{0};
  std::vector<std::thread> threads;
  for (int index = 0; index < 4; ++index) {
    threads.emplace_back([&num_wrong, index] {
      (void)cudaSetDevice(index % 2);
      cudaStream_t stream = nullptr;
      (void)cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
      float* data = nullptr;
      (void)cudaMalloc(reinterpret_cast<void**>(&data), kN * 4);
      for (int round = 0; round < 20; ++round) {
        const std::vector<float> source(kN, static_cast<float>(round));
        std::vector<float> result(kN);
        (void)cudaMemcpyAsync(data, source.data(), kN * 4, cudaMemcpyHostToDevice, stream);
        (void)launch(test_kernels().add_one, 1, kN, data, data, kN, stream);
        (void)cudaMemcpyAsync(result.data(), data, kN * 4, cudaMemcpyDeviceToHost, stream);
        if (cudaStreamSynchronize(stream) != cudaSuccess || result[kN - 1] != static_cast<float>(round + 1))
          ++num_wrong;
      }
      (void)cudaFree(data);
      (void)cudaStreamDestroy(stream);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(num_wrong == 0);
  expect_no_reports();
}

}  // namespace
}  // namespace assay::cuda_sim
