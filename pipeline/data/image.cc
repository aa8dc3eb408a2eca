// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/image.h"

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "pipeline/data/file.h"
#include "pipeline/data/image_bmp.h"
#include "pipeline/data/image_exif.h"
#include "pipeline/data/image_header.h"
#include "pipeline/data/image_jpeg.h"
#include "pipeline/data/image_jpeg_segments.h"
#include "pipeline/data/image_png.h"
#include "pipeline/data/image_pnm.h"
#include "pipeline/data/image_stb.h"
#include "pipeline/data/image_tga.h"

namespace assay::data {
namespace {

// Holds the header of nearly every file: what precedes it is previews and colour profiles.
constexpr int64_t kHeaderBytes = 256 << 10;

Status check_limits(const ImageHeader& header, const ImageLimits& limits) {
  if (header.width > limits.max_side || header.height > limits.max_side) {
    return Status::error(header.width, " x ", header.height, " px is above the limit of ", limits.max_side,
                         " px a side");
  }
  if (header.width * header.height > limits.max_pixels) {
    return Status::error(header.width, " x ", header.height, " px is above the limit of ", limits.max_pixels, " px");
  }
  return {};
}

Result<ImageHeader> checked_header(ByteView bytes, const ImageLimits& limits) {
  Result<ImageHeader> header = read_image_header(bytes);
  if (!header.ok()) return header;
  ASSAY_RETURN_IF_ERROR(check_limits(header.value(), limits));
  return header;
}

Result<Tensor> decode_stored(ByteView bytes, const ImageHeader& header, SampleRounding rounding) {
  switch (header.format) {
    case ImageFormat::kPng:
      ASSAY_RETURN_IF_ERROR(check_png_is_whole(bytes));
      return decode_with_stb(bytes, header, rounding);
    case ImageFormat::kBmp:
      ASSAY_RETURN_IF_ERROR(check_bmp_is_whole(bytes));
      return decode_with_stb(bytes, header, rounding);
    case ImageFormat::kJpeg:
      ASSAY_RETURN_IF_ERROR(check_jpeg_is_whole(bytes));
      return decode_jpeg(bytes, header);
    case ImageFormat::kPnm:
      return decode_pnm(bytes, rounding);
    case ImageFormat::kTga:
      return decode_tga(bytes);
  }
  return Status::error("image of an unknown format");
}

Result<Tensor> decode_upright(ByteView bytes, const ImageLimits& limits, SampleRounding rounding) {
  const Result<ImageHeader> header = checked_header(bytes, limits);
  if (!header.ok()) return header.status();
  const Result<Tensor> stored = decode_stored(bytes, header.value(), rounding);
  if (!stored.ok()) return stored.status();
  return apply_orientation(stored.value(), header.value().orientation);
}

// Runs `decode`, whose failed allocations throw, and puts the name before its reason.
template <class Decode>
auto named(const std::string& name, Decode decode) -> decltype(decode()) {
  try {
    auto result = decode();
    if (result.ok()) return result;
    return Status::error(name, ": ", result.message());
  } catch (const std::exception& error) {
    return Status::error(name, ": ", error.what());
  }
}

Result<Tensor> decode_pixels(ByteView bytes, const std::string& name, const ImageLimits& limits,
                             SampleRounding rounding) {
  return named(name, [&] { return decode_upright(bytes, limits, rounding); });
}

Mask mask_of(const Tensor& rgb) {
  Mask mask;
  mask.pixels = Tensor::empty<uint8_t>({rgb.dim(0), rgb.dim(1)}, "mask");
  const uint8_t* x = rgb.data<uint8_t>();
  uint8_t* y = mask.pixels.data<uint8_t>();
  for (int64_t i = 0; i < mask.pixels.size(); ++i, x += 3) y[i] = (x[0] | x[1] | x[2]) != 0;
  return mask;
}

}  // namespace

Result<Image> decode_image(ByteView bytes, const std::string& name, const ImageLimits& limits) {
  Result<Tensor> pixels = decode_pixels(bytes, name, limits, SampleRounding::kNearest);
  if (!pixels.ok()) return pixels.status();
  return Image{std::move(pixels).value()};
}

Result<Image> read_image(const std::string& path, const ImageLimits& limits) {
  const Result<std::vector<uint8_t>> bytes = read_file(path, limits.max_file_bytes);
  if (!bytes.ok()) return bytes.status();
  return decode_image(bytes.value(), path, limits);
}

Result<Mask> decode_mask(ByteView bytes, const std::string& name, const ImageLimits& limits) {
  const Result<Tensor> pixels = decode_pixels(bytes, name, limits, SampleRounding::kKeepNonzero);
  if (!pixels.ok()) return pixels.status();
  return mask_of(pixels.value());
}

Result<Mask> read_mask(const std::string& path, const ImageLimits& limits) {
  const Result<std::vector<uint8_t>> bytes = read_file(path, limits.max_file_bytes);
  if (!bytes.ok()) return bytes.status();
  return decode_mask(bytes.value(), path, limits);
}

Result<ImageSize> decode_image_size(ByteView bytes, const std::string& name, const ImageLimits& limits) {
  const Result<ImageHeader> header = named(name, [&] { return checked_header(bytes, limits); });
  if (!header.ok()) return header.status();
  const ImageHeader& h = header.value();
  return orientation_swaps_sides(h.orientation) ? ImageSize{h.height, h.width} : ImageSize{h.width, h.height};
}

Result<ImageSize> read_image_size(const std::string& path, const ImageLimits& limits) {
  const Result<std::vector<uint8_t>> start = read_file_start(path, std::min(kHeaderBytes, limits.max_file_bytes));
  if (!start.ok()) return start.status();
  Result<ImageSize> size = decode_image_size(start.value(), path, limits);
  if (size.ok() || static_cast<int64_t>(start.value().size()) < kHeaderBytes) return size;
  const Result<std::vector<uint8_t>> whole = read_file(path, limits.max_file_bytes);
  if (!whole.ok()) return whole.status();
  return decode_image_size(whole.value(), path, limits);
}

}  // namespace assay::data
