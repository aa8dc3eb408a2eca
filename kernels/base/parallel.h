// SPDX-License-Identifier: Apache-2.0
// The CPU thread pool. It is OpenMP's, which oneDNN uses too, so that the two never compete for cores.
#pragma once

#include <cstdint>
#include <functional>

namespace assay {

// Threads that parallel_for may use; at first the number of processors this process may run on.
int num_threads();
// n >= 1. Not to be called while a parallel_for runs.
void set_num_threads(int n);

// Calls body(begin, end) for consecutive pieces of [0, count), each of `grain` elements but the last. The cut depends
// on count and grain alone, so results that depend on it are the same for any number of threads. Pieces run in any
// order; the call returns when all are done. Called from within a body it runs serially. The first exception thrown by
// a body is thrown again here, after the others have ended.
void parallel_for(int64_t count, int64_t grain, const std::function<void(int64_t begin, int64_t end)>& body);

}  // namespace assay
