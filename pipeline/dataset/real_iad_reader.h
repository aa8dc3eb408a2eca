// SPDX-License-Identifier: Apache-2.0
// Real-IAD's lists, one file per category, also those of its fully unsupervised setting (realiad_jsons_fuiad_0.x,
// whose training images contain anomalies):
//   {"meta": {"prefix": "audiojack/", "normal_class": "OK", ...},
//    "train": [{"category": ..., "anomaly_class": "OK", "image_path": "OK/S0001/x.jpg", "mask_path": null}, ...],
//    "test": [...]}
// A path is root/prefix/image_path, root being one of the folders realiad_256, _512, _1024, _raw. Unknown keys are
// ignored; prefix and normal_class may be absent ("" and "OK"), so may anomaly_class (label unknown). Source: Wang et
// al. 2024, realiad4ad.github.io.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/base/status.h"
#include "pipeline/dataset/list_source.h"
#include "pipeline/dataset/opened.h"

namespace assay::dataset {

// The images' folder for the list at `path`: the one of realiad_256, _512, _1024 and _raw that exists beside the
// list or in one of the three folders above. Error: none, or more than one in the nearest such folder.
Result<std::string> find_real_iad_root(const std::string& path);

// The text is at most kMaxRealIadBytes long (the published lists have about 1 MiB): parsed JSON can take twenty times
// its text. Nesting beyond 16 levels is an error.
inline constexpr int64_t kMaxRealIadBytes = int64_t{64} << 20;
Result<Opened> read_real_iad(const ListSource& source);

}  // namespace assay::dataset
