// SPDX-License-Identifier: Apache-2.0
// How the CPU searches of a packed bank cut their queries into blocks, and the scratch memory that asks for.
#pragma once

#include <cstdint>
#include <functional>

namespace assay::kernels {

constexpr int64_t kMaxBlockQueries = 112;

// Bytes of a slot, the scratch memory of one block: a packed block of queries of width dim, or `other` where that is
// more.
int64_t query_block_slot_bytes(int64_t dim, int64_t other = 0);

// Cuts [0, num_queries) into blocks and calls body(first_query, count, scratch) for each, in parallel, count at most
// kMaxBlockQueries. scratch is one slot, aligned to 64 bytes. As many blocks run at once as the workspace
// has room for, one at least. The cut may depend on the room: a body's result for a query must not depend on the cut.
void for_each_query_block(int64_t num_queries, int64_t dim, int64_t slot_bytes, void* workspace,
                          int64_t workspace_bytes,
                          const std::function<void(int64_t first_query, int64_t count, float* scratch)>& body);

}  // namespace assay::kernels
