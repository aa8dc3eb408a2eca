// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/image_jpeg.h"

#ifdef ASSAY_HAVE_TURBOJPEG
#include <turbojpeg.h>

#include <cstring>
#include <memory>
#else
#include "pipeline/data/image_stb.h"
#endif

namespace assay::data {

#ifdef ASSAY_HAVE_TURBOJPEG

namespace {

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};

// Bytes between the last coded block and the next marker: cameras write them, and no pixel is missing.
bool is_harmless(tjhandle handle) {
  return tjGetErrorCode(handle) == TJERR_WARNING && std::strstr(tjGetErrorStr2(handle), "extraneous bytes") != nullptr;
}

}  // namespace

bool jpeg_uses_turbo() { return true; }

Result<Tensor> decode_jpeg(ByteView bytes, const ImageHeader& header) {
  const std::unique_ptr<void, Destroy> handle(tjInitDecompress());
  if (!handle) return Status::error("libjpeg-turbo: ", tjGetErrorStr2(nullptr));
  const int width = static_cast<int>(header.width), height = static_cast<int>(header.height);
  Tensor pixels = Tensor::empty<uint8_t>({height, width, 3}, "image");
  const auto decode = [&](int flags) {
    return tjDecompress2(handle.get(), bytes.data(), bytes.size(), pixels.data<uint8_t>(), width, width * 3, height,
                         TJPF_RGB, flags | TJFLAG_ACCURATEDCT) == 0;
  };
  // libjpeg goes on after damage and fills in grey; it must stop. After a harmless warning it decodes once more and may
  // go on; what else it then warns of last decides.
  if (decode(TJFLAG_STOPONWARNING)) return pixels;
  if (is_harmless(handle.get()) && (decode(0) || is_harmless(handle.get()))) return pixels;
  return Status::error("damaged JPEG: ", tjGetErrorStr2(handle.get()));
}

#else

bool jpeg_uses_turbo() { return false; }

Result<Tensor> decode_jpeg(ByteView bytes, const ImageHeader& header) {
  return decode_with_stb(bytes, header, SampleRounding::kNearest);
}

#endif

}  // namespace assay::data
