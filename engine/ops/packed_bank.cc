// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/packed_bank.h"

#include "engine/ops/check_tensor.h"
#include "engine/ops/op_context.h"
#include "kernels/knn/byte_bank.h"

namespace assay::ops {

PackedBank::PackedBank(const Tensor& rows, const char* tag, Bytes bytes) {
  check_matrix("packed_bank", "rows", rows, "(N, D)");
  rows_ = rows.dim(0);
  dim_ = rows.dim(1);
  ASSAY_CHECK(dim_ >= 1, "packed_bank: rows has shape ", to_string(rows.shape()), ", expected (N, D) with D >= 1");
  const OpContext ctx("packed_bank", {{"rows", &rows}});
  panels_ = ctx.empty<float>({kernels::packed_bank_bytes(rows_, dim_) / static_cast<int64_t>(sizeof(float))}, tag);
  ctx.run(kernels::pack_bank, {ctx.in<float>(rows), ctx.out<float>(panels_), rows_, dim_});
  if (bytes == Bytes::kWhereTheyHelp && ctx.device().backend == Backend::kCpu &&
      kernels::byte_bank_helps(rows_, dim_)) {
    add_bytes(rows, tag);
  }
}

void PackedBank::add_bytes(const Tensor& rows, const char* tag) {
  const OpContext ctx("packed_bank", {{"rows", &rows}});
  const Tensor bytes = ctx.empty<uint8_t>({kernels::byte_bank_bytes(rows_, dim_)}, tag);
  kernels::PackedBank bank = view(ctx.stream());
  bank.row_major = ctx.in<float>(rows);
  if (!kernels::pack_byte_bank(bank, reinterpret_cast<std::byte*>(ctx.out<uint8_t>(bytes)))) return;
  row_major_ = rows;
  byte_panels_ = bytes;
}

kernels::PackedBank PackedBank::view(const Stream& stream) const {
  kernels::PackedBank bank = {reinterpret_cast<const float*>(panels_.read_by(stream)), rows_, dim_};
  if (byte_panels_.size() > 0) {
    bank.row_major = reinterpret_cast<const float*>(row_major_.read_by(stream));
    bank.byte_panels = byte_panels_.read_by(stream);
  }
  return bank;
}

void check_queries(const char* op, const Tensor& queries, const PackedBank& bank) {
  check_matrix(op, "queries", queries, "(Q, D)");
  ASSAY_CHECK(queries.dim(1) == bank.dim(), op, ": queries has shape ", to_string(queries.shape()), ", expected (Q, ",
              bank.dim(), "), the width of the bank");
}

}  // namespace assay::ops
