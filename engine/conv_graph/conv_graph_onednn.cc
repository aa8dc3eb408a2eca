// SPDX-License-Identifier: Apache-2.0
// ConvGraph on the CPU by oneDNN primitives.
//
// Layout: the first convolution reads planes (C, H, W) and writes channels in blocks; from there each node reads what
// its producer wrote, so nothing is ever converted but the taps. Activation and residual are post-ops of the
// convolution; the residual is the old content of the output buffer.
// Threads: primitives are made and run with one OpenMP thread, so their work is cut the same way every time.

#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>
#include <utility>

#include "engine/conv_graph/conv_plan.h"
#include "engine/memory/storage.h"
#include "kernels/base/one_thread.h"

namespace assay::conv_graph {
namespace {

using dnnl::memory;

dnnl::engine& cpu() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

// oneDNN's exceptions, told in the terms of the node.
template <class F>
auto with_name(const std::string& name, const F& call) {
  try {
    return call();
  } catch (const dnnl::error& e) {
    throw Error(text("conv_graph: ", name, ": oneDNN: ", e.what()));
  }
}

// ---- Plan

struct PackedWeights {
  Storage storage;
  memory packed;
};

struct CompiledStep {
  std::string name;
  bool is_pool;
  std::string implementation;
  memory::desc in, out, scratch;
  dnnl::primitive primitive;
  std::shared_ptr<const PackedWeights> weights;
  memory bias;
  Tensor bias_owner;
  int input_buffer;  // kImageBuffer or a buffer
  int buffer;
  int tap;
  dnnl::reorder::primitive_desc tap_desc;  // with a tap: blocked to (h, w, C)
  dnnl::primitive tap_primitive;
};
constexpr int kImageBuffer = -1;

using ScaleTable = std::array<std::array<float, 256>, 3>;  // normalised value by channel and pixel value

class OnednnPlan : public ConvPlan {
 public:
  std::unique_ptr<ConvRun> bind() const override;
  std::vector<std::string> describe() const override {
    std::vector<std::string> lines;
    for (const CompiledStep& s : steps) {
      lines.push_back(s.name + (s.is_pool ? ": maximum pool, " : ": convolution, ") + s.implementation);
      if (s.tap != kNoTap) lines.push_back(s.name + ": reorder, " + s.tap_desc.impl_info_str());
    }
    return lines;
  }

  std::vector<CompiledStep> steps;
  std::shared_ptr<const ScaleTable> scale;
  int64_t height = 0;
  int64_t width = 0;
  memory::desc image_desc;
  std::vector<size_t> buffer_bytes;
  size_t scratch_bytes = 0;
};

// ---- Run

size_t aligned(size_t bytes) { return (bytes + kStorageAlignment - 1) / kStorageAlignment * kStorageAlignment; }

class OnednnRun : public ConvRun {
 public:
  explicit OnednnRun(const OnednnPlan& plan) : plan_(plan), stream_(cpu()) {
    // image planes | scratch | buffers
    const size_t image_bytes = aligned(plan.image_desc.get_size());
    size_t total = image_bytes + aligned(plan.scratch_bytes);
    std::vector<size_t> offset;
    for (const size_t bytes : plan.buffer_bytes) {
      offset.push_back(total);
      total += aligned(bytes);
    }
    arena_ = Storage(total, "conv_graph workspace");
    const auto at = [&](int buffer) { return arena_.data() + (buffer == kImageBuffer ? 0 : offset[buffer]); };
    for (const CompiledStep& s : plan.steps) {
      BoundStep bound;
      const memory out(s.out, cpu(), at(s.buffer));
      bound.args = {{DNNL_ARG_SRC, memory(s.in, cpu(), at(s.input_buffer))},
                    {DNNL_ARG_DST, out},
                    {DNNL_ARG_SCRATCHPAD, scratch(s.scratch, image_bytes)}};
      if (!s.is_pool) {
        bound.args.emplace(DNNL_ARG_WEIGHTS, s.weights->packed);
        bound.args.emplace(DNNL_ARG_BIAS, s.bias);
      }
      if (s.tap != kNoTap) {
        // The caller's map takes the place of the null handle in each run.
        bound.tap_args = {{DNNL_ARG_FROM, out},
                          {DNNL_ARG_TO, memory(s.tap_desc.dst_desc(), cpu(), nullptr)},
                          {DNNL_ARG_SCRATCHPAD, scratch(s.tap_desc.scratchpad_desc(), image_bytes)}};
      }
      steps_.push_back(std::move(bound));
    }
  }

  void run(const Tensor& images, const std::vector<Tensor>& maps) override {
    const OneThread one_thread;
    for (int64_t b = 0; b < images.dim(0); ++b) {
      std::vector<float*> out;
      for (const Tensor& map : maps) out.push_back(map.rows(b, b + 1).data<float>());
      run_image(images.rows(b, b + 1).data<uint8_t>(), out);
    }
  }

  size_t bytes() const override { return arena_.bytes(); }

 private:
  void run_image(const uint8_t* image, const std::vector<float*>& maps) {
    load_image(image);
    for (size_t i = 0; i < steps_.size(); ++i) {
      const CompiledStep& s = plan_.steps[i];
      with_name(s.name, [&] {
        s.primitive.execute(stream_, steps_[i].args);
        if (s.tap == kNoTap) return;
        steps_[i].tap_args.at(DNNL_ARG_TO).set_data_handle(maps[s.tap]);
        s.tap_primitive.execute(stream_, steps_[i].tap_args);
      });
    }
    stream_.wait();
  }

  struct BoundStep {
    std::unordered_map<int, memory> args;
    std::unordered_map<int, memory> tap_args;
  };

  memory scratch(const memory::desc& desc, size_t offset) const {
    return memory(desc, cpu(), desc.get_size() == 0 ? nullptr : arena_.data() + offset);
  }

  // (H, W, 3) bytes to normalised planes (3, H, W).
  void load_image(const uint8_t* image) {
    const int64_t pixels = plan_.height * plan_.width;
    for (int c = 0; c < 3; ++c) {
      const auto& table = (*plan_.scale)[c];
      float* plane = reinterpret_cast<float*>(arena_.data()) + c * pixels;
      for (int64_t p = 0; p < pixels; ++p) plane[p] = table[image[3 * p + c]];
    }
  }

  const OnednnPlan& plan_;
  dnnl::stream stream_;
  Storage arena_;
  std::vector<BoundStep> steps_;
};

std::unique_ptr<ConvRun> OnednnPlan::bind() const {
  const OneThread one_thread;
  return with_name("workspace", [&] { return std::make_unique<OnednnRun>(*this); });
}

// ---- Backend

memory::dims dims_of(int64_t channels, int64_t height, int64_t width) { return {1, channels, height, width}; }

dnnl::primitive_attr attributes(const ConvNode& node) {
  dnnl::post_ops ops;
  if (node.residual != kConvNoResidual) ops.append_sum();
  if (node.activation == Activation::kRelu) ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
  if (node.activation == Activation::kRelu6) ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_clip, 0.0f, 6.0f);
  dnnl::primitive_attr attr;
  attr.set_post_ops(ops);
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

// Depthwise weights get oneDNN's group axis in front.
memory::desc weight_desc(const ConvNode& node, bool any) {
  const Shape& s = node.weight.shape();
  if (node.depthwise) {
    return {
        {s[0], 1, 1, s[2], s[3]}, memory::data_type::f32, any ? memory::format_tag::any : memory::format_tag::goihw};
  }
  return {{s[0], s[1], s[2], s[3]}, memory::data_type::f32, any ? memory::format_tag::any : memory::format_tag::oihw};
}

class OnednnBackend : public ConvBackend {
 public:
  OnednnBackend(const std::vector<ConvNode>& nodes, const ImageScale& scale) : nodes_(nodes), packed_(nodes.size()) {
    auto table = std::make_shared<ScaleTable>();
    for (int c = 0; c < 3; ++c) {
      for (int v = 0; v < 256; ++v) {
        (*table)[c][v] = (static_cast<float>(v) - scale.mean[c]) / scale.deviation[c];
      }
    }
    scale_ = std::move(table);
  }

  std::shared_ptr<const ConvPlan> compile(const ConvSchedule& schedule) override {
    const OneThread one_thread;
    auto plan = std::make_shared<OnednnPlan>();
    plan->scale = scale_;
    plan->height = schedule.height;
    plan->width = schedule.width;
    plan->image_desc =
        memory::desc(dims_of(3, schedule.height, schedule.width), memory::data_type::f32, memory::format_tag::nchw);
    plan->buffer_bytes.assign(schedule.num_buffers, 0);
    std::vector<memory::desc> layout(nodes_.size());  // of the nodes' outputs
    std::vector<int> buffer(nodes_.size(), kImageBuffer);
    for (const ConvStep& step : schedule.steps) {
      const ConvNode& node = nodes_[step.node];
      with_name(node.name, [&] {
        const memory::desc in = node.input == kConvImage ? plan->image_desc : layout[node.input];
        CompiledStep compiled = node.kind == NodeKind::kMaxPool ? compile_pool(step, in)
                                // A sum happens in place, in the layout that the residual has.
                                : node.residual == kConvNoResidual
                                    ? compile_convolution(step, in, choose_layout(step, in))
                                    : compile_convolution(step, in, layout[node.residual]);
        compiled.name = node.name;
        compiled.buffer = step.buffer;
        add_tap(step, &compiled);
        compiled.input_buffer = node.input == kConvImage ? kImageBuffer : buffer[node.input];
        layout[step.node] = compiled.out;
        buffer[step.node] = step.buffer;
        size_t& bytes = plan->buffer_bytes[step.buffer];
        bytes = std::max(bytes, layout[step.node].get_size());
        plan->scratch_bytes = std::max(plan->scratch_bytes, compiled.scratch.get_size());
        if (compiled.tap != kNoTap) {
          plan->scratch_bytes = std::max(plan->scratch_bytes, compiled.tap_desc.scratchpad_desc().get_size());
        }
        plan->steps.push_back(std::move(compiled));
      });
    }
    return plan;
  }

 private:
  static memory::desc bias_desc(const ConvGeometry& g) {
    return {{g.out_channels}, memory::data_type::f32, memory::format_tag::x};
  }
  static memory::desc output_desc(const ConvGeometry& g, memory::format_tag tag) {
    return {dims_of(g.out_channels, g.out_height, g.out_width), memory::data_type::f32, tag};
  }

  dnnl::convolution_forward::primitive_desc convolution(const ConvStep& step, const memory::desc& in,
                                                        const memory::desc& out) const {
    const ConvNode& node = nodes_[step.node];
    const ConvGeometry& g = step.geometry;
    const dnnl::convolution_forward::desc op(
        dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, in, weight_desc(node, /*any=*/true),
        bias_desc(g), out, {node.stride, node.stride}, {g.pad_top, g.pad_left}, {g.pad_bottom, g.pad_right});
    return {op, attributes(node), cpu()};
  }

  // The first layout that a compiled kernel reads `in` into. Left to itself (format `any`) oneDNN 2.6 wants channels
  // last for 1x1 and blocks for 3x3, and for a pair of layouts that no kernel has it takes its reference
  // implementation, a thousand times slower. Blocks of 16 suit AVX-512 and beat channels last there by a tenth over
  // the network; blocks of 8 suit AVX2 and SSE.
  memory::desc choose_layout(const ConvStep& step, const memory::desc& in) const {
    using Tag = memory::format_tag;
    for (const Tag tag : {Tag::nChw16c, Tag::nChw8c, Tag::nhwc}) {
      const memory::desc out = output_desc(step.geometry, tag);
      const std::string implementation = convolution(step, in, out).impl_info_str();
      if (implementation.find("ref") == std::string::npos) return out;
    }
    return output_desc(step.geometry, Tag::nhwc);
  }

  CompiledStep compile_convolution(const ConvStep& step, const memory::desc& in, const memory::desc& out) {
    const ConvNode& node = nodes_[step.node];
    const dnnl::convolution_forward::primitive_desc desc = convolution(step, in, out);
    CompiledStep compiled = compiled_of(desc, /*is_pool=*/false);
    compiled.primitive = dnnl::convolution_forward(desc);
    compiled.weights = pack(step.node, desc.weights_desc());
    compiled.bias = memory(bias_desc(step.geometry), cpu(), node.bias.data<float>());
    compiled.bias_owner = node.bias;
    return compiled;
  }

  // In the layout of its input: channels do not meet.
  CompiledStep compile_pool(const ConvStep& step, const memory::desc& in) const {
    const ConvNode& node = nodes_[step.node];
    const ConvGeometry& g = step.geometry;
    using Tag = memory::format_tag;
    Tag tag = Tag::nchw;  // the image's
    for (const Tag blocked : {Tag::nChw16c, Tag::nChw8c, Tag::nhwc}) {
      const memory::dims dims = dims_of(g.in_channels, g.in_height, g.in_width);
      if (node.input != kConvImage && in == memory::desc(dims, memory::data_type::f32, blocked)) {
        tag = blocked;
        break;
      }
    }
    const dnnl::pooling_forward::desc op(dnnl::prop_kind::forward_inference, dnnl::algorithm::pooling_max, in,
                                         output_desc(g, tag), {node.stride, node.stride},
                                         {node.pool_side, node.pool_side}, {g.pad_top, g.pad_left},
                                         {g.pad_bottom, g.pad_right});
    const dnnl::pooling_forward::primitive_desc desc(op, attributes(node), cpu());
    CompiledStep compiled = compiled_of(desc, /*is_pool=*/true);
    compiled.primitive = dnnl::pooling_forward(desc);
    return compiled;
  }

  template <class Desc>
  static CompiledStep compiled_of(const Desc& desc, bool is_pool) {
    CompiledStep compiled;
    compiled.is_pool = is_pool;
    compiled.implementation = desc.impl_info_str();
    compiled.in = desc.src_desc();
    compiled.out = desc.dst_desc();
    compiled.scratch = desc.scratchpad_desc();
    return compiled;
  }

  static void add_tap(const ConvStep& step, CompiledStep* compiled) {
    compiled->tap = step.tap;
    if (step.tap == kNoTap) return;
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    compiled->tap_desc = dnnl::reorder::primitive_desc(cpu(), compiled->out, cpu(),
                                                       output_desc(step.geometry, memory::format_tag::nhwc), attr);
    compiled->tap_primitive = dnnl::reorder(compiled->tap_desc);
  }

  // Once per layout: plans for other sizes that want the same layout share it.
  std::shared_ptr<const PackedWeights> pack(int node, const memory::desc& desc) {
    for (const auto& known : packed_[node]) {
      if (known->packed.get_desc() == desc) return known;
    }
    auto fresh = std::make_shared<PackedWeights>();
    fresh->storage = Storage(desc.get_size(), "conv_graph weights");
    fresh->packed = memory(desc, cpu(), fresh->storage.data());
    memory plain(weight_desc(nodes_[node], /*any=*/false), cpu(), nodes_[node].weight.data<float>());
    dnnl::stream stream(cpu());
    dnnl::reorder(plain, fresh->packed).execute(stream, plain, fresh->packed);
    stream.wait();
    packed_[node].push_back(fresh);
    return fresh;
  }

  const std::vector<ConvNode>& nodes_;
  std::vector<std::vector<std::shared_ptr<const PackedWeights>>> packed_;  // by node
  std::shared_ptr<const ScaleTable> scale_;
};

}  // namespace

std::unique_ptr<ConvBackend> make_conv_backend_onednn(const std::vector<ConvNode>& nodes, const ImageScale& scale) {
  return std::make_unique<OnednnBackend>(nodes, scale);
}

}  // namespace assay::conv_graph
