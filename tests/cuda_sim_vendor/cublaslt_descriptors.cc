// SPDX-License-Identifier: Apache-2.0
// Handles and descriptors of the simulated cuBLASLt.
#include "tests/cuda_sim_vendor/cublaslt_descriptors.h"

#include <cstring>
#include <map>
#include <mutex>

#include "tests/cuda_sim_vendor/device_work.h"

// The library's context, opaque in its header.
struct cublasLtContext {
  int device;
};

namespace assay::cuda_sim_vendor {
namespace {

struct Field {
  size_t offset;
  size_t bytes;  // 0: no such attribute
};

#define ASSAY_FIELD(type, member) \
  { offsetof(type, member), sizeof(type::member) }

Field field_of(const Layout*, int attribute) {
  switch (attribute) {
    case CUBLASLT_MATRIX_LAYOUT_TYPE:
      return ASSAY_FIELD(Layout, type);
    case CUBLASLT_MATRIX_LAYOUT_ORDER:
      return ASSAY_FIELD(Layout, order);
    case CUBLASLT_MATRIX_LAYOUT_ROWS:
      return ASSAY_FIELD(Layout, rows);
    case CUBLASLT_MATRIX_LAYOUT_COLS:
      return ASSAY_FIELD(Layout, columns);
    case CUBLASLT_MATRIX_LAYOUT_LD:
      return ASSAY_FIELD(Layout, ld);
    case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT:
      return ASSAY_FIELD(Layout, batch_count);
    case CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET:
      return ASSAY_FIELD(Layout, batch_stride);
    case CUBLASLT_MATRIX_LAYOUT_PLANE_OFFSET:
      return ASSAY_FIELD(Layout, plane_offset);
    case CUBLASLT_MATRIX_LAYOUT_BATCH_MODE:
      return ASSAY_FIELD(Layout, batch_mode);
    default:
      return {0, 0};
  }
}

Field field_of(const MatmulDesc*, int attribute) {
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_COMPUTE_TYPE:
      return ASSAY_FIELD(MatmulDesc, compute);
    case CUBLASLT_MATMUL_DESC_SCALE_TYPE:
      return ASSAY_FIELD(MatmulDesc, scale);
    case CUBLASLT_MATMUL_DESC_POINTER_MODE:
      return ASSAY_FIELD(MatmulDesc, pointer_mode);
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return ASSAY_FIELD(MatmulDesc, transpose_a);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return ASSAY_FIELD(MatmulDesc, transpose_b);
    case CUBLASLT_MATMUL_DESC_TRANSC:
      return ASSAY_FIELD(MatmulDesc, transpose_c);
    case CUBLASLT_MATMUL_DESC_FILL_MODE:
      return ASSAY_FIELD(MatmulDesc, fill_mode);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return ASSAY_FIELD(MatmulDesc, epilogue);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return ASSAY_FIELD(MatmulDesc, bias);
    case CUBLASLT_MATMUL_DESC_BIAS_BATCH_STRIDE:
      return ASSAY_FIELD(MatmulDesc, bias_stride);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER:
      return ASSAY_FIELD(MatmulDesc, aux);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD:
      return ASSAY_FIELD(MatmulDesc, aux_ld);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_BATCH_STRIDE:
      return ASSAY_FIELD(MatmulDesc, aux_stride);
    case CUBLASLT_MATMUL_DESC_SM_COUNT_TARGET:
      return ASSAY_FIELD(MatmulDesc, sm_count);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
      return ASSAY_FIELD(MatmulDesc, bias_type);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_DATA_TYPE:
      return ASSAY_FIELD(MatmulDesc, aux_type);
    default:
      return {0, 0};
  }
}

Field field_of(const Preference*, int attribute) {
  switch (attribute) {
    case CUBLASLT_MATMUL_PREF_SEARCH_MODE:
      return ASSAY_FIELD(Preference, search_mode);
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return ASSAY_FIELD(Preference, max_workspace_bytes);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
      return ASSAY_FIELD(Preference, reduction_mask);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
      return ASSAY_FIELD(Preference, alignment_a);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
      return ASSAY_FIELD(Preference, alignment_b);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
      return ASSAY_FIELD(Preference, alignment_c);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return ASSAY_FIELD(Preference, alignment_d);
    case CUBLASLT_MATMUL_PREF_MAX_WAVES_COUNT:
      return ASSAY_FIELD(Preference, max_waves);
    case CUBLASLT_MATMUL_PREF_IMPL_MASK:
      return ASSAY_FIELD(Preference, implementation_mask);
    default:
      return {0, 0};
  }
}

#undef ASSAY_FIELD

template <class T>
T* initialised(void* opaque) {
  T* structure = static_cast<T*>(opaque);
  return structure != nullptr && structure->magic == T::kMagic ? structure : nullptr;
}

cublasStatus_t refuse(const char* call, const char* why) {
  report(std::string(call) + ": " + why);
  return CUBLAS_STATUS_INVALID_VALUE;
}

template <class T>
cublasStatus_t set_attribute(const char* call, void* opaque, int attribute, const void* value, size_t bytes) {
  T* structure = initialised<T>(opaque);
  if (structure == nullptr) return refuse(call, "the descriptor is null, destroyed, or was never made");
  const Field field = field_of(structure, attribute);
  if (field.bytes == 0) return refuse(call, "no such attribute, or one that is not simulated");
  if (value == nullptr) return refuse(call, "the value is null");
  if (bytes != field.bytes) return refuse(call, "the value's size is not the attribute's");
  std::memcpy(reinterpret_cast<unsigned char*>(structure) + field.offset, value, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

template <class T>
cublasStatus_t get_attribute(const char* call, void* opaque, int attribute, void* value, size_t bytes,
                             size_t* written) {
  const T* structure = initialised<T>(opaque);
  if (structure == nullptr) return refuse(call, "the descriptor is null, destroyed, or was never made");
  const Field field = field_of(structure, attribute);
  if (field.bytes == 0) return refuse(call, "no such attribute, or one that is not simulated");
  if (bytes == 0) {
    if (written == nullptr) return refuse(call, "neither a size nor a place for the size");
    *written = field.bytes;
    return CUBLAS_STATUS_SUCCESS;
  }
  if (value == nullptr) return refuse(call, "the value is null");
  if (bytes != field.bytes) return refuse(call, "the value's size is not the attribute's");
  std::memcpy(value, reinterpret_cast<const unsigned char*>(structure) + field.offset, bytes);
  if (written != nullptr) *written = bytes;
  return CUBLAS_STATUS_SUCCESS;
}

void initialise(Layout* layout, cudaDataType type, uint64_t rows, uint64_t columns, int64_t ld) {
  *layout = {Layout::kMagic, type, CUBLASLT_ORDER_COL, 1, rows, columns, ld, 0, 0, 0};
}

void initialise(MatmulDesc* desc, cublasComputeType_t compute, cudaDataType_t scale) {
  *desc = {};
  desc->magic = MatmulDesc::kMagic;
  desc->compute = compute;
  desc->scale = scale;
  desc->transpose_a = desc->transpose_b = desc->transpose_c = CUBLAS_OP_N;
  desc->fill_mode = CUBLAS_FILL_MODE_FULL;
  desc->epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  desc->bias_type = desc->aux_type = -1;
}

void initialise(Preference* preference) {
  *preference = {};
  preference->magic = Preference::kMagic;
  preference->reduction_mask = CUBLASLT_REDUCTION_SCHEME_MASK;
  preference->alignment_a = preference->alignment_b = preference->alignment_c = preference->alignment_d = 256;
  preference->implementation_mask = ~uint64_t{0};
}

// The memory itself stays for good: whoever uses a destroyed descriptor is then seen, not lucky.
template <class T>
cublasStatus_t destroy(const char* call, void* opaque) {
  if (opaque == nullptr) return CUBLAS_STATUS_SUCCESS;
  T* structure = initialised<T>(opaque);
  if (structure == nullptr) return refuse(call, "the descriptor was destroyed already, or was never made");
  structure->magic = 0;
  return CUBLAS_STATUS_SUCCESS;
}

std::mutex handles_mutex;

// Handles that live, and their devices. Never destroyed: a program's own destructors may still use it.
std::map<cublasLtHandle_t, int>& handles() {
  static auto* all = new std::map<cublasLtHandle_t, int>;
  return *all;
}

}  // namespace

const Layout* layout_of(cublasLtMatrixLayout_t layout) { return initialised<Layout>(layout); }
const MatmulDesc* matmul_desc_of(cublasLtMatmulDesc_t desc) { return initialised<MatmulDesc>(desc); }
const Preference* preference_of(cublasLtMatmulPreference_t preference) { return initialised<Preference>(preference); }

int device_of_handle(cublasLtHandle_t handle) {
  const std::lock_guard<std::mutex> lock(handles_mutex);
  const auto found = handles().find(handle);
  return found == handles().end() ? -1 : found->second;
}

}  // namespace assay::cuda_sim_vendor

using namespace assay::cuda_sim_vendor;  // NOLINT: below are the library's own functions, outside any namespace

extern "C" {

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  if (handle == nullptr) return refuse("cublasLtCreate", "no place for the handle");
  const int device = current_device();
  if (device < 0) return CUBLAS_STATUS_NOT_INITIALIZED;
  *handle = new cublasLtContext{device};
  const std::lock_guard<std::mutex> lock(handles_mutex);
  handles()[*handle] = device;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  const std::lock_guard<std::mutex> lock(handles_mutex);
  if (handles().erase(handle) == 0) return refuse("cublasLtDestroy", "no handle, or one destroyed already");
  return CUBLAS_STATUS_SUCCESS;  // the context stays, so that no new handle gets its address
}

size_t cublasLtGetVersion() { return CUBLAS_VERSION; }

const char* cublasLtGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    default:
      return "CUBLAS_STATUS_INTERNAL_ERROR";
  }
}

const char* cublasLtGetStatusString(cublasStatus_t status) { return cublasLtGetStatusName(status); }

cublasStatus_t cublasLtMatrixLayoutInit_internal(cublasLtMatrixLayout_t layout, size_t size, cudaDataType type,
                                                 uint64_t rows, uint64_t columns, int64_t ld) {
  if (layout == nullptr || size < sizeof(Layout)) return CUBLAS_STATUS_ALLOC_FAILED;
  initialise(reinterpret_cast<Layout*>(layout), type, rows, columns, ld);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type, uint64_t rows,
                                          uint64_t columns, int64_t ld) {
  if (layout == nullptr) return refuse("cublasLtMatrixLayoutCreate", "no place for the descriptor");
  *layout = new cublasLtMatrixLayoutOpaque_t;
  return cublasLtMatrixLayoutInit_internal(*layout, sizeof(**layout), type, rows, columns, ld);
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  return destroy<Layout>("cublasLtMatrixLayoutDestroy", layout);
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t name,
                                                const void* value, size_t bytes) {
  return set_attribute<Layout>("cublasLtMatrixLayoutSetAttribute", layout, name, value, bytes);
}

cublasStatus_t cublasLtMatrixLayoutGetAttribute(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t name,
                                                void* value, size_t bytes, size_t* written) {
  return get_attribute<Layout>("cublasLtMatrixLayoutGetAttribute", layout, name, value, bytes, written);
}

cublasStatus_t cublasLtMatmulDescInit_internal(cublasLtMatmulDesc_t desc, size_t size, cublasComputeType_t compute,
                                               cudaDataType_t scale) {
  if (desc == nullptr || size < sizeof(MatmulDesc)) return CUBLAS_STATUS_ALLOC_FAILED;
  initialise(reinterpret_cast<MatmulDesc*>(desc), compute, scale);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* desc, cublasComputeType_t compute, cudaDataType_t scale) {
  if (desc == nullptr) return refuse("cublasLtMatmulDescCreate", "no place for the descriptor");
  *desc = new cublasLtMatmulDescOpaque_t;
  return cublasLtMatmulDescInit_internal(*desc, sizeof(**desc), compute, scale);
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) {
  return destroy<MatmulDesc>("cublasLtMatmulDescDestroy", desc);
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t name,
                                              const void* value, size_t bytes) {
  return set_attribute<MatmulDesc>("cublasLtMatmulDescSetAttribute", desc, name, value, bytes);
}

cublasStatus_t cublasLtMatmulDescGetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t name,
                                              void* value, size_t bytes, size_t* written) {
  return get_attribute<MatmulDesc>("cublasLtMatmulDescGetAttribute", desc, name, value, bytes, written);
}

cublasStatus_t cublasLtMatmulPreferenceInit_internal(cublasLtMatmulPreference_t preference, size_t size) {
  if (preference == nullptr || size < sizeof(Preference)) return CUBLAS_STATUS_ALLOC_FAILED;
  initialise(reinterpret_cast<Preference*>(preference));
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  if (preference == nullptr) return refuse("cublasLtMatmulPreferenceCreate", "no place for the descriptor");
  *preference = new cublasLtMatmulPreferenceOpaque_t;
  return cublasLtMatmulPreferenceInit_internal(*preference, sizeof(**preference));
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return destroy<Preference>("cublasLtMatmulPreferenceDestroy", preference);
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t name, const void* value,
                                                    size_t bytes) {
  return set_attribute<Preference>("cublasLtMatmulPreferenceSetAttribute", preference, name, value, bytes);
}

cublasStatus_t cublasLtMatmulPreferenceGetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t name, void* value,
                                                    size_t bytes, size_t* written) {
  return get_attribute<Preference>("cublasLtMatmulPreferenceGetAttribute", preference, name, value, bytes, written);
}

}  // extern "C"
