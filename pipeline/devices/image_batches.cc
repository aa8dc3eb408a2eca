// SPDX-License-Identifier: Apache-2.0
#include "pipeline/devices/image_batches.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <iterator>
#include <mutex>
#include <thread>
#include <utility>

#include "engine/device/copy.h"
#include "engine/memory/pinned_buffer.h"
#include "kernels/base/parallel.h"
#include "pipeline/devices/batch_advice.h"
#include "pipeline/devices/batch_assembler.h"

namespace assay::pipeline {
namespace {

constexpr int kThreadsPerDevice = 2;  // one fetches and delivers while the other computes

// A batch that found no memory, on its way from a GPU's thread to the one that feeds it.
struct BatchShortage {
  OutOfMemory error;
  size_t slot;
  ImageBatch batch;
};

// The images side by side in page-locked memory, and from there to the device.
Tensor upload(Device device, const ImageBatch& batch, PinnedBuffer* staging) {
  const Tensor& first = batch.pixels.front();
  const Stream& stream = current_stream(device);
  const Tensor pixels = Tensor::empty<uint8_t>(
      {static_cast<int64_t>(batch.pixels.size()), first.dim(0), first.dim(1), 3}, "images", device);
  std::byte* host = staging->reserve(pixels.bytes());
  for (size_t b = 0; b < batch.pixels.size(); ++b) {
    std::memcpy(host + b * first.bytes(), batch.pixels[b].raw(), first.bytes());
  }
  copy_bytes(host, Device::cpu(), pixels.written_by(stream), device, pixels.bytes(), stream);
  staging->used_until(Event(stream));
  return pixels;
}

// The threads of the GPUs and the two queues between them and the CPU's threads.
class DeviceWorkers {
 public:
  DeviceWorkers(const Placement& placement, const ComputeBatch& compute) : compute_(compute) {
    max_queued_ = kThreadsPerDevice * placement.devices.size();
    for (int t = 0; t < kThreadsPerDevice; ++t) {
      for (size_t slot = 0; slot < placement.devices.size(); ++slot) {
        threads_.emplace_back([this, slot, device = placement.devices[slot]] { work(slot, device); });
      }
    }
  }

  ~DeviceWorkers() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      queue_.clear();
      is_closed_ = true;
    }
    changed_.notify_all();
    for (std::thread& t : threads_) t.join();
  }

  // Waits while there is enough to do. Throws what a batch has thrown.
  void push(ImageBatch batch) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return queue_.size() < max_queued_ || failure_; });
    rethrow();
    queue_.push_back(std::move(batch));
    ++unfinished_;
    changed_.notify_all();
  }

  // What has been computed since the last call.
  std::vector<FinishImage> take_finished() {
    const std::lock_guard<std::mutex> lock(mutex_);
    rethrow();
    return std::exchange(finished_, {});
  }

  // The rest, once all batches are computed.
  std::vector<FinishImage> wait_for_rest() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return unfinished_ == 0 || failure_; });
    rethrow();
    return std::exchange(finished_, {});
  }

 private:
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

  void work(size_t slot, Device device) {
    try {
      PinnedBuffer staging(device, "image staging");
      for (ImageBatch batch; pop(&batch);) {
        std::vector<FinishImage> finishers = compute(slot, device, batch, &staging);
        const std::lock_guard<std::mutex> lock(mutex_);
        std::move(finishers.begin(), finishers.end(), std::back_inserter(finished_));
        --unfinished_;
        changed_.notify_all();
      }
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      changed_.notify_all();
    }
  }

  bool pop(ImageBatch* batch) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return !queue_.empty() || is_closed_ || failure_; });
    if (queue_.empty() || failure_) return false;
    *batch = std::move(queue_.front());
    queue_.pop_front();
    changed_.notify_all();
    return true;
  }

  std::vector<FinishImage> compute(size_t slot, Device device, const ImageBatch& batch, PinnedBuffer* staging) {
    try {
      return compute_(slot, batch.images, upload(device, batch, staging));
    } catch (const OutOfMemory& error) {
      throw BatchShortage{error, slot, batch};
    }
  }

  const ComputeBatch& compute_;
  size_t max_queued_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ImageBatch> queue_;
  std::vector<FinishImage> finished_;
  int64_t unfinished_ = 0;  // batches
  bool is_closed_ = false;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

// Runs what is to be finished and loads the next images, whichever thread is free; `loaded` gets the images. Returns
// the first error.
Status finish_and_load(const std::vector<FinishImage>& finishers, int64_t begin, int64_t end, const LoadImage& load,
                       std::vector<std::optional<Tensor>>* loaded) {
  const int64_t to_finish = static_cast<int64_t>(finishers.size());
  std::mutex mutex;
  Status failure;
  loaded->assign(end - begin, std::nullopt);
  parallel_for(to_finish + end - begin, 1, [&](int64_t task, int64_t) {
    Status status;
    if (task < to_finish) {
      status = finishers[task]();
    } else {
      Result<std::optional<Tensor>> image = load(begin + task - to_finish);
      if (image.ok()) {
        (*loaded)[task - to_finish] = std::move(image).value();
      } else {
        status = image.status();
      }
    }
    const std::lock_guard<std::mutex> lock(mutex);
    if (failure.ok()) failure = status;
  });
  return failure;
}

// Everything, by workers that are gone when it returns or throws.
Status feed(const Placement& placement, int64_t count, const LoadImage& load, const ComputeBatch& compute,
            Progress* progress) {
  const int64_t num_devices = static_cast<int64_t>(placement.devices.size());
  const int64_t window = std::max<int64_t>(2 * placement.batch * num_devices, 2 * num_threads());
  BatchAssembler assembler(placement.batch);
  DeviceWorkers workers(placement, compute);
  int64_t done = 0;
  const auto advance = [&](int64_t more) {
    done += more;
    if (more > 0) progress->advance(done);
    return progress->stop_requested() ? Status::error(kInterrupted) : Status();
  };
  std::vector<std::optional<Tensor>> loaded;
  std::vector<ImageBatch> ready;
  for (int64_t begin = 0; begin < count; begin += window) {
    const int64_t end = std::min(begin + window, count);
    const std::vector<FinishImage> finishers = workers.take_finished();
    ASSAY_RETURN_IF_ERROR(finish_and_load(finishers, begin, end, load, &loaded));
    int64_t left_out = 0;
    for (int64_t i = begin; i < end; ++i) {
      std::optional<Tensor>& pixels = loaded[i - begin];
      left_out += !pixels.has_value();
      if (pixels) assembler.add(i, *pixels, &ready);
      pixels.reset();
    }
    for (ImageBatch& b : ready) workers.push(std::move(b));
    ready.clear();
    ASSAY_RETURN_IF_ERROR(advance(static_cast<int64_t>(finishers.size()) + left_out));
  }
  assembler.flush(&ready);
  for (ImageBatch& b : ready) workers.push(std::move(b));
  const std::vector<FinishImage> finishers = workers.wait_for_rest();
  ASSAY_RETURN_IF_ERROR(finish_and_load(finishers, count, count, load, &loaded));
  return advance(static_cast<int64_t>(finishers.size()));
}

// One batch more in the calling thread, nothing of which stays.
void try_batch(const ImageBatch& batch, size_t slot, Device device, const ComputeBatch& compute,
               const ReleaseIdle& release) {
  release(slot);
  {
    PinnedBuffer staging(device, "image staging");
    (void)compute(slot, batch.images, upload(device, batch, &staging));
  }
  release(slot);
}

}  // namespace

Status run_in_batches(const Placement& placement, int64_t count, const LoadImage& load, const ComputeBatch& compute,
                      const ReleaseIdle& release, Progress* progress) {
  ASSAY_CHECK(!placement.on_cpu() && placement.batch >= 1, "run_in_batches: needs GPUs and a batch of at least 1");
  try {
    return feed(placement, count, load, compute, progress);
  } catch (const BatchShortage& shortage) {
    const auto try_some = [&](int64_t n) {
      const ImageBatch some = {{shortage.batch.images.begin(), shortage.batch.images.begin() + n},
                               {shortage.batch.pixels.begin(), shortage.batch.pixels.begin() + n}};
      try_batch(some, shortage.slot, placement.devices[shortage.slot], compute, release);
    };
    throw_with_advice(shortage.error, static_cast<int64_t>(shortage.batch.images.size()), kThreadsPerDevice, try_some);
  }
}

}  // namespace assay::pipeline
