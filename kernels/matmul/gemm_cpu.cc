// SPDX-License-Identifier: Apache-2.0
// Gemm on the CPU: pieces of rows in parallel, each by oneDNN's sgemm in one thread.
#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>

#include "kernels/base/check.h"
#include "kernels/base/one_thread.h"
#include "kernels/base/parallel.h"
#include "kernels/matmul/gemm.h"

namespace assay::kernels {

void gemm_cpu(const GemmArgs& args) {
  if (args.n == 0) return;
  parallel_for(args.m, kGemmRowsPerPiece, [&](int64_t begin, int64_t end) {
    float* c = args.c + begin * args.ldc;
    if (args.k == 0) {
      for (int64_t row = begin; row < end; ++row, c += args.ldc) std::fill(c, c + args.n, 0.0f);
      return;
    }
    const float* a = args.a + begin * (args.transpose_a ? 1 : args.lda);
    const OneThread one_thread;
    const dnnl::status status = dnnl::sgemm(args.transpose_a ? 'T' : 'N', args.transpose_b ? 'T' : 'N', end - begin,
                                            args.n, args.k, 1.0f, a, args.lda, args.b, args.ldb, 0.0f, c, args.ldc);
    ASSAY_CHECK(status == dnnl::status::success, "gemm: oneDNN refuses ", end - begin, " x ", args.n, " x ", args.k);
  });
}

}  // namespace assay::kernels
