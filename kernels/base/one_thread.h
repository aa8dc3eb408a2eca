// SPDX-License-Identifier: Apache-2.0
// Keeps what runs in a scope on one thread where it would use OpenMP by itself, as oneDNN does: a primitive that is
// created and executed so gives the same bits whatever the number of threads elsewhere.
#pragma once

#include <omp.h>

namespace assay {

class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  const int before_;
};

}  // namespace assay
