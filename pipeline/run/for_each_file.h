// SPDX-License-Identifier: Apache-2.0
// The loop over files that several phases share.
#pragma once

#include <cstdint>
#include <functional>

#include "kernels/base/status.h"
#include "pipeline/run/progress.h"

namespace assay::pipeline {

// Runs work(i) for i = 0 .. count - 1, several at once, and reports how many are done. The first Status that is not ok
// ends the loop and is returned, as does a wish to stop (kInterrupted).
Status for_each_file(int64_t count, Progress* progress, const std::function<Status(int64_t)>& work);

}  // namespace assay::pipeline
