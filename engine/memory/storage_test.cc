// SPDX-License-Identifier: Apache-2.0
#include "engine/memory/storage.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/device/copy.h"
#include "engine/memory/pinned_buffer.h"
#include "kernels/base/check.h"
#include "tests/support/backend.h"

namespace assay {
namespace {

Device device_under_test() { return {testing::test_backend(), 0}; }

template <class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST_CASE("storage is counted by device and tag, and in the device's total, until it is released") {
  const Device device = device_under_test();
  const int64_t before = total_memory_usage(device).live_bytes;
  {
    const Storage one(1000, "counted", device);
    const Storage two(24, "counted", device);
    CHECK(one.device() == device);
    CHECK(reinterpret_cast<uintptr_t>(one.address()) % kStorageAlignment == 0);
    CHECK(memory_usage(device)["counted"].live_bytes == 1024);
    CHECK(total_memory_usage(device).live_bytes == before + 1024);
    if (testing::on_cuda()) CHECK(memory_usage(Device::cpu()).count("counted") == 0);
  }
  CHECK(memory_usage(device)["counted"].live_bytes == 0);
  CHECK(memory_usage(device)["counted"].peak_bytes == 1024);
  CHECK(total_memory_usage(device).live_bytes == before);
  CHECK(total_memory_usage(device).peak_bytes >= before + 1024);
}

TEST_CASE("no bytes need no memory") {
  const Storage nothing(0, "nothing", device_under_test());
  CHECK(nothing.address() == nullptr);
  CHECK(nothing.device() == device_under_test());
  nothing.reads_on(current_stream(device_under_test()));
  nothing.writes_on(current_stream(device_under_test()));
  CHECK(memory_usage(device_under_test()).count("nothing") == 0);
}

TEST_CASE("storage is moved, not copied") {
  const Device device = device_under_test();
  Storage a(64, "moved", device);
  std::byte* const address = a.address();
  Storage b = std::move(a);
  CHECK(b.address() == address);
  CHECK(a.address() == nullptr);
  b = Storage();
  CHECK(memory_usage(device)["moved"].live_bytes == 0);
}

TEST_CASE("the host is kept from a GPU's memory") {
  const Storage storage(64, "features", device_under_test());
  if (testing::on_cuda()) {
    CHECK(message_of([&] { (void)storage.data(); }) == "features: lies on cuda:0, where the host cannot reach it");
  } else {
    CHECK(storage.data() == storage.address());
  }
}

TEST_CASE("an allocation that fails says what it was for, how much, and leaves nothing counted") {
  const Device device = device_under_test();
  fail_nth_allocation(2);
  const Storage first(10, "doomed", device);
  const std::string message = message_of([&] { Storage(12345, "doomed", device); });
  const Storage third(10, "doomed", device);  // the failure does not repeat
  CHECK(message.find(device.is_cpu() ? "doomed: out of memory, 12345 bytes asked for"
                                     : "doomed: out of memory on cuda:0, 12345 bytes asked for, ") == 0);
  CHECK(message.find(" held by this program") != std::string::npos);
  CHECK(memory_usage(device)["doomed"].live_bytes == 20);
}

TEST_CASE("an allocation that fails lists what its device holds, the largest first, and what is free there") {
  const Device device = device_under_test();
  const Storage small(3 << 16, "small", device), large(5 << 20, "large", device), tiny(100, "tiny", device);
  fail_nth_allocation(1);
  try {
    Storage(77, "doomed", device);
    CHECK(false);
  } catch (const OutOfMemory& error) {
    const std::string message = error.what();
    CAPTURE(message);
    CHECK(message.find("(large 5.0 MiB, small 0.2 MiB)") != std::string::npos);
    CHECK(message.find(std::to_string(total_memory_usage(device).live_bytes) + " held") != std::string::npos);
    CHECK(error.held_bytes().at("tiny") == 100);
    CHECK(error.free_bytes() > 0);
    CHECK(message.find(" 77 bytes asked for, " + std::to_string(error.free_bytes()) + " free") != std::string::npos);
  }
}

TEST_CASE("a meter tells the most that was held beyond what was there when it began") {
  const Device device = device_under_test();
  const Storage before(1000, "metered", device);
  const MemoryMeter outer(device);
  CHECK(outer.peak_bytes() == 0);
  { const Storage a(300, "metered", device), b(40, "metered", device); }
  {
    const MemoryMeter inner(device);
    const Storage c(7, "other", device);
    std::thread([&] { Storage(60, "metered", device); }).join();
    CHECK(inner.peak_bytes() == 67);
  }
  CHECK(outer.peak_bytes() == 340);
}

TEST_CASE("more than there is, is out of memory, and what fits can be had afterwards") {
  const Device device = device_under_test();
  const size_t absurd = size_t{1} << 60;
  try {
    Storage(absurd, "absurd", device);
    CHECK(false);
  } catch (const OutOfMemory& error) {
    CHECK(error.bytes() == int64_t{1} << 60);
    CHECK(error.device() == device);
  }
  CHECK(Storage(64, "modest", device).address() != nullptr);
}

// Each step of the chain runs on another stream; only storage knows the order.
TEST_CASE("storage that streams hand to each other is never read before it is written, nor written while it is read") {
  const Device device = device_under_test();
  constexpr size_t kBytes = 1 << 12;
  std::vector<std::byte> last(kBytes);
  std::vector<Stream> streams;
  for (int i = 0; i < 3; ++i) streams.emplace_back(device);
  const Storage a(kBytes, "test", device), b(kBytes, "test", device);
  std::vector<std::vector<std::byte>> sources;
  for (int round = 0; round < 6; ++round) sources.emplace_back(kBytes, std::byte(round + 1));
  for (int round = 0; round < 6; ++round) {
    const Stream& upload = streams[round % 3];
    const Stream& move = streams[(round + 1) % 3];
    a.writes_on(upload);
    copy_bytes(sources[round].data(), Device::cpu(), a.address(), device, kBytes, upload);
    a.reads_on(move);
    b.writes_on(move);
    copy_bytes(a.address(), device, b.address(), device, kBytes, move);
  }
  b.reads_on(streams[2]);
  copy_bytes(b.address(), device, last.data(), Device::cpu(), kBytes, streams[2]);
  streams[2].synchronise();
  CHECK(last == sources.back());
  for (const Stream& s : streams) s.synchronise();  // sources are read until here
}

TEST_CASE("a storage may be read from several threads at once and outlive their streams") {
  const Device device = device_under_test();
  constexpr size_t kBytes = 1 << 10;
  const std::vector<std::byte> source(kBytes, std::byte{7});
  Storage shared(kBytes, "shared", device);
  shared.writes_on(current_stream(device));
  copy_bytes(source.data(), Device::cpu(), shared.address(), device, kBytes, current_stream(device));
  std::vector<std::vector<std::byte>> results(4, std::vector<std::byte>(kBytes));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const Stream& stream = current_stream(device);
      shared.reads_on(stream);
      copy_bytes(shared.address(), device, results[t].data(), Device::cpu(), kBytes, stream);
      stream.synchronise();
    });
  }
  for (std::thread& t : threads) t.join();
  for (const auto& r : results) CHECK(r == source);
  shared = Storage();
  synchronise(device);
}

TEST_CASE("a pinned buffer waits for its last use before the host writes again") {
  const Device device = device_under_test();
  PinnedBuffer buffer(device, "staging");
  const Storage target(256, "test", device);
  const Stream& stream = current_stream(device);
  std::vector<std::byte> result(256);
  for (int round = 1; round <= 3; ++round) {
    std::byte* host = buffer.reserve(256);
    std::memset(host, round, 256);
    target.writes_on(stream);
    copy_bytes(host, Device::cpu(), target.address(), device, 256, stream);
    buffer.used_until(Event(stream));
  }
  copy_bytes(target.address(), device, result.data(), Device::cpu(), 256, stream);
  stream.synchronise();
  CHECK(result == std::vector<std::byte>(256, std::byte{3}));
}

TEST_CASE("a pinned buffer grows, is counted, moves and reports what it cannot have") {
  const Device device = device_under_test();
  {
    PinnedBuffer buffer(device, "pinned");
    CHECK(buffer.capacity() == 0);
    CHECK(reinterpret_cast<uintptr_t>(buffer.reserve(100)) % kStorageAlignment == 0);
    CHECK(memory_usage()["pinned"].live_bytes == 128);
    const std::byte* before = buffer.data();
    CHECK(buffer.reserve(20) == before);
    buffer.reserve(1000);
    CHECK(memory_usage()["pinned"].live_bytes == 1024);
    PinnedBuffer moved = std::move(buffer);
    CHECK(moved.capacity() == 1024);
    fail_nth_allocation(1);
    CHECK(message_of([&] { moved.reserve(5000); }).find("pinned: out of memory, 5000 bytes asked for, ") == 0);
    CHECK(moved.capacity() == 0);
    CHECK(moved.reserve(64) != nullptr);
  }
  CHECK(memory_usage()["pinned"].live_bytes == 0);
}

}  // namespace
}  // namespace assay
