// SPDX-License-Identifier: Apache-2.0
#include "engine/device/stream.h"

#include <doctest/doctest.h>

#include <thread>
#include <utility>
#include <vector>

#include "engine/device/copy.h"
#include "engine/memory/storage.h"
#include "kernels/base/check.h"
#include "tests/support/backend.h"

namespace assay {
namespace {

Device device_under_test() { return {testing::test_backend(), 0}; }

TEST_CASE("a thread has one current stream per device, and a scope replaces it") {
  const Device device = device_under_test();
  const Stream& mine = current_stream(device);
  CHECK(&mine == &current_stream(device));
  CHECK(mine.device() == device);
  {
    const Stream other(device);
    const StreamScope scope(other);
    CHECK(&current_stream(device) == &other);
    {
      const Stream inner(device);
      const StreamScope nested(inner);
      CHECK(&current_stream(device) == &inner);
    }
    CHECK(&current_stream(device) == &other);
  }
  CHECK(&current_stream(device) == &mine);
  const void* elsewhere = &mine;
  std::thread([&] { elsewhere = current_stream(device).state().get(); }).join();
  CHECK(elsewhere != mine.state().get());
}

TEST_CASE("streams and events are moved, and a default event is done") {
  const Device device = device_under_test();
  Stream stream(device);
  const Stream::State* state = stream.state().get();
  const Stream moved = std::move(stream);
  CHECK(moved.state().get() == state);
  CHECK(Event().is_done());
  Event event(moved);
  Event taken = std::move(event);
  taken.synchronise();
  CHECK(taken.is_done());
  moved.synchronise();
  CHECK(moved.is_idle());
  moved.wait_for(Event());
}

TEST_CASE("what one stream writes, another that waits for its event reads") {
  const Device device = device_under_test();
  const Stream writer(device), reader(device);
  constexpr size_t kBytes = 4096;
  const Storage a(kBytes, "test", device), b(kBytes, "test", device);
  const std::vector<std::byte> source(kBytes, std::byte{42});
  std::vector<std::byte> target(kBytes, std::byte{0});
  // Storage was made for the current stream: both wait for it once.
  a.writes_on(writer);
  b.writes_on(reader);
  copy_bytes(source.data(), Device::cpu(), a.address(), device, kBytes, writer);
  reader.wait_for(Event(writer));
  copy_bytes(a.address(), device, b.address(), device, kBytes, reader);
  copy_bytes(b.address(), device, target.data(), Device::cpu(), kBytes, reader);
  reader.synchronise();
  CHECK(target == source);
  a.reads_on(reader);  // said late, but before a goes
}

TEST_CASE("the CPU's stream has no handle and is always done") {
  const Stream stream(Device::cpu());
  CHECK(stream.handle().cuda_stream == nullptr);
  CHECK(stream.handle().backend == Backend::kCpu);
  CHECK(stream.is_idle());
  CHECK(Event(stream).is_done());
  synchronise(Device::cpu());
}

}  // namespace
}  // namespace assay
