// SPDX-License-Identifier: Apache-2.0
// What the simulated cuBLASLt keeps in its opaque structures. All fit into the space that the real header reserves, so
// descriptors that are initialised in place work too. Setting an attribute checks its name and size alone, as the real
// library does (vendor_descriptors_test.cc runs the same cases on both): what the values mean is checked when they are
// used.
#pragma once

#include <cublasLt.h>

#include <cstddef>
#include <cstdint>

namespace assay::cuda_sim_vendor {

struct Layout {
  static constexpr uint32_t kMagic = 0x4c61796f;
  uint32_t magic;
  int32_t type;
  int32_t order;
  int32_t batch_count;
  uint64_t rows;
  uint64_t columns;
  int64_t ld;
  int64_t batch_stride;
  int64_t plane_offset;
  uint32_t batch_mode;
};
static_assert(sizeof(Layout) <= sizeof(cublasLtMatrixLayoutOpaque_t));

struct MatmulDesc {
  static constexpr uint32_t kMagic = 0x4d756c44;
  uint32_t magic;
  int32_t compute;
  int32_t scale;
  int32_t pointer_mode;
  int32_t transpose_a;
  int32_t transpose_b;
  int32_t transpose_c;
  int32_t fill_mode;
  uint32_t epilogue;
  int32_t sm_count;
  int32_t bias_type;
  int32_t aux_type;
  const void* bias;
  int64_t bias_stride;
  void* aux;
  int64_t aux_ld;
  int64_t aux_stride;
};
static_assert(sizeof(MatmulDesc) <= sizeof(cublasLtMatmulDescOpaque_t));

struct Preference {
  static constexpr uint32_t kMagic = 0x50726566;
  uint32_t magic;
  uint32_t search_mode;
  uint64_t max_workspace_bytes;
  uint32_t reduction_mask;
  uint32_t alignment_a, alignment_b, alignment_c, alignment_d;
  float max_waves;
  uint64_t implementation_mask;
};
static_assert(sizeof(Preference) <= sizeof(cublasLtMatmulPreferenceOpaque_t));

// The structure behind an opaque pointer, or null where it was never initialised, was destroyed, or is null.
const Layout* layout_of(cublasLtMatrixLayout_t layout);
const MatmulDesc* matmul_desc_of(cublasLtMatmulDesc_t desc);
const Preference* preference_of(cublasLtMatmulPreference_t preference);

// The device a handle was made on, or -1 where it is none, or was destroyed.
int device_of_handle(cublasLtHandle_t handle);

}  // namespace assay::cuda_sim_vendor
