// SPDX-License-Identifier: Apache-2.0
#include "engine/device/copy.h"

#include <cstring>

#include "engine/device/cuda_api.h"

namespace assay {

void copy_bytes(const std::byte* from, Device source, std::byte* to, Device target, size_t bytes,
                const Stream& stream) {
  if (bytes == 0) return;
  void* const cuda_stream = stream.handle().cuda_stream;
  if (source.is_cpu() && target.is_cpu()) {
    std::memcpy(to, from, bytes);
  } else if (source.is_cpu()) {
    cuda_api::copy_to_device(target.index, to, from, bytes, cuda_stream);
  } else if (target.is_cpu()) {
    cuda_api::copy_to_host(source.index, to, from, bytes, cuda_stream);
  } else {
    cuda_api::copy_between(target.index, to, source.index, from, bytes, cuda_stream);
  }
}

void fill_zero(std::byte* memory, size_t bytes, const Stream& stream) {
  if (bytes == 0) return;
  if (stream.device().is_cpu()) {
    std::memset(memory, 0, bytes);
  } else {
    cuda_api::fill_zero(stream.device().index, memory, bytes, stream.handle().cuda_stream);
  }
}

}  // namespace assay
