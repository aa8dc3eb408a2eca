// SPDX-License-Identifier: Apache-2.0
#include "models/layers/conv_layers.h"

#include "engine/autograd/ops/batch_norm.h"
#include "engine/autograd/ops/conv.h"
#include "engine/ops/batch_norm_apply.h"

namespace assay::models {

using autograd::Var;

namespace {

constexpr float kNormEps = 1e-5f;
constexpr float kNormMomentum = 0.1f;

}  // namespace

Conv2d::Conv2d(ParameterList* list, const std::string& name, int64_t in, int64_t out, int64_t kernel, int64_t stride,
               int64_t pad)
    : weight_(list->declare(name + ".weight", {out, kernel, kernel, in}, Initial::kKaimingNormal)),
      stride_(stride),
      pad_(pad) {}

Var Conv2d::forward(const Var& x, const Pass& pass) const {
  return autograd::conv2d(x, use(x.tape(), weight_, pass), {}, stride_, pad_);
}

Upsample2x2::Upsample2x2(ParameterList* list, const std::string& name, int64_t in, int64_t out)
    : weight_(list->declare(name + ".weight", {in, 2, 2, out}, Initial::kKaimingUniform)) {}

Var Upsample2x2::forward(const Var& x, int64_t height, int64_t width, const Pass& pass) const {
  const int64_t rows = 2 * x.value().dim(1) - height, columns = 2 * x.value().dim(2) - width;
  ASSAY_CHECK(rows >= 0 && rows <= 1 && columns >= 0 && columns <= 1, "upsample: ", height, " x ", width,
              " cells from ", to_string(x.shape()));
  return autograd::conv_transpose2d(x, use(x.tape(), weight_, pass), {/*stride=*/2, /*pad=*/0, rows, columns});
}

BatchNorm2d::BatchNorm2d(ParameterList* list, const std::string& name, int64_t width)
    : weight_(list->declare(name + ".weight", {width}, Initial::kOnes)),
      bias_(list->declare(name + ".bias", {width}, Initial::kZeros)),
      running_mean_(list->declare_buffer(name + ".running_mean", {width}, Initial::kZeros)),
      running_variance_(list->declare_buffer(name + ".running_var", {width}, Initial::kOnes)) {}

Var BatchNorm2d::forward(const Var& x, const Pass& pass) const {
  if (pass.trains) {
    return autograd::batch_norm(x, use(x.tape(), weight_, pass), use(x.tape(), bias_, pass),
                                {kNormEps, kNormMomentum, running_mean_->value, running_variance_->value});
  }
  ASSAY_CHECK(!x.requires_grad(), "batch norm: a pass that does not train gives no gradient");
  return x.tape().constant(ops::batch_norm_apply(x.value(), running_mean_->value, running_variance_->value,
                                                 weight_->value, bias_->value, kNormEps));
}

}  // namespace assay::models
