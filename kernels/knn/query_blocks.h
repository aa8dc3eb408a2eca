// SPDX-License-Identifier: Apache-2.0
// How the CPU searches of a packed bank cut their queries into blocks, and the scratch memory that asks for.
#pragma once

#include <cstdint>
#include <functional>

namespace assay::kernels {

constexpr int64_t kMaxBlockQueries = 112;

// Bytes for `slots` packed blocks of queries of width dim.
int64_t query_block_workspace_bytes(int64_t slots, int64_t dim);

// Cuts [0, num_queries) into blocks and calls body(first_query, count, scratch) for each, in parallel, count at most
// kMaxBlockQueries. scratch holds one packed block, aligned to 64 bytes. As many blocks run at once as the workspace
// has room for, one at least. The cut may depend on the room: a body's result for a query must not depend on the cut.
void for_each_query_block(int64_t num_queries, int64_t dim, void* workspace, int64_t workspace_bytes,
                          const std::function<void(int64_t first_query, int64_t count, float* scratch)>& body);

}  // namespace assay::kernels
