// SPDX-License-Identifier: Apache-2.0
#include "kernels/resize/antialias_resize.h"

#include "kernels/resize/resize_workspace.h"

namespace assay::kernels {

void antialias_resize_cpu(const AntialiasResizeArgs& args);                      // antialias_resize_cpu.cc
size_t antialias_resize_workspace_bytes_cpu(const AntialiasResizeArgs& args);    // antialias_resize_cpu.cc
void antialias_resize_cuda(const AntialiasResizeArgs& args, void* cuda_stream);  // antialias_resize_cuda.cu

const KernelTable<AntialiasResizeArgs> antialias_resize = {"antialias_resize", antialias_resize_cpu,
                                                           ASSAY_CUDA_KERNEL(antialias_resize_cuda)};

size_t antialias_resize_workspace_bytes(const AntialiasResizeArgs& args, Backend backend) {
  if (backend == Backend::kCpu) return antialias_resize_workspace_bytes_cpu(args);
  WorkspacePieces pieces(nullptr);
  const ResizeWorkspace counted(args, args.batch, pieces);
  return pieces.bytes();
}

}  // namespace assay::kernels
