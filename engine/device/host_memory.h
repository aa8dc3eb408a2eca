// SPDX-License-Identifier: Apache-2.0
// How much memory the host has left for this process.
#pragma once

#include <cstdint>

namespace assay {

// The least of what the system calls available, of what the process's limits on address space and data leave, and of
// what its control group leaves; caches that the system would give up count as free. 0 where nothing can be read.
int64_t free_host_bytes();

}  // namespace assay
