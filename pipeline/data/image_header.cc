// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/image_header.h"

#include "pipeline/data/image_bmp.h"
#include "pipeline/data/image_jpeg_segments.h"
#include "pipeline/data/image_png.h"
#include "pipeline/data/image_pnm.h"
#include "pipeline/data/image_tga.h"

namespace assay::data {
namespace {

struct Reader {
  bool (*recognises)(ByteView bytes);
  Result<ImageHeader> (*read_header)(ByteView bytes);
};

// TGA has no signature, only a plausible header: it comes last.
constexpr Reader kReaders[] = {{is_png, read_png_header},
                               {is_jpeg, read_jpeg_header},
                               {is_bmp, read_bmp_header},
                               {is_pnm, read_pnm_header},
                               {is_tga, read_tga_header}};

}  // namespace

Result<ImageHeader> read_image_header(ByteView bytes) {
  if (bytes.size() == 0) return Status::error("empty file");
  for (const Reader& reader : kReaders) {
    if (!reader.recognises(bytes)) continue;
    Result<ImageHeader> header = reader.read_header(bytes);
    if (header.ok() && (header.value().width < 1 || header.value().height < 1)) {
      return Status::error("image of ", header.value().width, " x ", header.value().height, " px has no pixels");
    }
    return header;
  }
  return Status::error("not an image file this program reads (png, jpg, bmp, tga, pgm, ppm)");
}

}  // namespace assay::data
