// SPDX-License-Identifier: Apache-2.0
// Times decoding and resizing in one thread: the fastest of three rounds over the given files, per image and megapixel.
// JPEG is decoded by both decoders, so that their ratio comes from one run.
//   bazel run //pipeline/data:image_bench -- SIDE FILE...
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "engine/ops/resize.h"
#include "pipeline/data/file.h"
#include "pipeline/data/image.h"
#include "pipeline/data/image_header.h"
#include "pipeline/data/image_jpeg.h"
#include "pipeline/data/image_stb.h"

namespace {

using namespace assay;
using namespace assay::data;

struct Sample {
  std::vector<uint8_t> bytes;
  ImageHeader header;
  Image image;
};

void time_all(const char* what, const std::vector<Sample>& samples, const std::function<void(const Sample&)>& body) {
  double best = std::numeric_limits<double>::max();
  double megapixels = 0;
  for (const Sample& s : samples) megapixels += static_cast<double>(s.header.width * s.header.height) * 1e-6;
  for (int round = 0; round < 3; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (const Sample& s : samples) body(s);
    const std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - start;
    best = std::min(best, ms.count());
  }
  std::printf("%-28s %8.3f ms/image %8.3f ms/Mpx\n", what, best / static_cast<double>(samples.size()),
              best / megapixels);
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t side = argc > 1 ? std::atoll(argv[1]) : 0;
  std::vector<Sample> samples;
  for (int i = 2; i < argc; ++i) {
    const std::string path = argv[i];
    std::vector<uint8_t> bytes = read_file(path, ImageLimits().max_file_bytes).value();
    const ImageHeader header = read_image_header(bytes).value();
    const Image image = decode_image(bytes, path).value();
    samples.push_back({std::move(bytes), header, image});
  }
  if (side < 1 || samples.empty()) {
    std::fprintf(stderr, "usage: image_bench SIDE FILE...\n");
    return 2;
  }
  std::printf("%zu images, to %lld x %lld px\n", samples.size(), static_cast<long long>(side),
              static_cast<long long>(side));
  time_all("decode_image", samples, [](const Sample& s) { (void)decode_image(s.bytes, "bench").value(); });
  if (std::all_of(samples.begin(), samples.end(),
                  [](const Sample& s) { return s.header.format == ImageFormat::kJpeg; })) {
    time_all(jpeg_uses_turbo() ? "JPEG by libjpeg-turbo" : "JPEG by this build", samples,
             [](const Sample& s) { (void)decode_jpeg(s.bytes, s.header).value(); });
    time_all("JPEG by stb_image", samples,
             [](const Sample& s) { (void)decode_with_stb(s.bytes, s.header, SampleRounding::kNearest).value(); });
  }
  time_all("antialias_resize", samples, [&](const Sample& s) { ops::antialias_resize(s.image.pixels, side, side); });
}
