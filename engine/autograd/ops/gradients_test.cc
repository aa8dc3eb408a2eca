// SPDX-License-Identifier: Apache-2.0
// Gradients of every operation of the list against its equation in double, and the words of its errors.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "engine/autograd/ops/gradcheck.h"
#include "engine/autograd/ops/op_types.h"
#include "kernels/dropout/dropout.h"
#include "kernels/random/philox.h"
#include "tests/support/test_device.h"

namespace assay::autograd {
namespace {

using testing::check_gradients;
using testing::Doubles;
using testing::example;
using testing::GradExample;
using Values = std::vector<Doubles>;
using Vars = std::vector<Var>;

template <class Op>
struct Examples;  // an operation without a specialisation does not compile below

// f of each element.
template <class F>
auto each(const F& f) {
  return [f](const Values& in) {
    Doubles y;
    for (const double x : in[0]) y.push_back(f(x));
    return y;
  };
}

template <>
struct Examples<Activation> {
  static std::vector<GradExample> list() {
    return {
        example(
            "gelu", {{3, 37}}, [](const Vars& v) { return gelu(v[0]); },
            each([](double x) { return x * 0.5 * std::erfc(-x / std::sqrt(2.0)); })),
        example(
            "relu", {{3, 37}}, [](const Vars& v) { return relu(v[0]); },
            each([](double x) { return std::fmax(x, 0); })),
        example(
            "relu6", {{3, 37}}, [](const Vars& v) { return relu6(v[0]); },
            each([](double x) { return std::fmin(std::fmax(x, 0), 6); })),
        example(
            "elu_plus_one", {{3, 37}}, [](const Vars& v) { return elu_plus_one(v[0]); },
            each([](double x) { return x > 0 ? x + 1 : std::exp(x); })),
    };
  }
};

// a and b element by element, b repeated over the leading axes.
template <class F>
auto pairs(const F& f) {
  return [f](const Values& in) {
    Doubles y;
    for (size_t i = 0; i < in[0].size(); ++i) y.push_back(f(in[0][i], in[1][i % in[1].size()]));
    return y;
  };
}

template <>
struct Examples<Add> {
  static std::vector<GradExample> list() {
    const auto run = [](const Vars& v) { return add(v[0], v[1]); };
    const auto sums = pairs([](double a, double b) { return a + b; });
    return {
        example("same shape", {{2, 3, 5}, {2, 3, 5}}, run, sums),
        example("a row", {{2, 3, 5}, {5}}, run, sums),
        example("two axes", {{4, 3, 5}, {3, 5}}, run, sums),
        example(
            "difference", {{4, 5}, {4, 5}}, [](const Vars& v) { return subtract(v[0], v[1]); },
            pairs([](double a, double b) { return a - b; })),
        example(
            "difference of a row", {{4, 5}, {5}}, [](const Vars& v) { return subtract(v[0], v[1]); },
            pairs([](double a, double b) { return a - b; })),
    };
  }
};

// qkv: (B, tokens, 3, heads, width).
Doubles attention_equation(const Doubles& qkv, size_t tokens, size_t heads, size_t width) {
  const size_t channels = heads * width;
  const size_t batch = qkv.size() / (3 * tokens * channels);
  Doubles y(batch * tokens * channels);
  const auto at = [&](size_t b, size_t t, size_t part, size_t h, size_t c) {
    return qkv[((b * tokens + t) * 3 + part) * channels + h * width + c];
  };
  for (size_t b = 0; b < batch; ++b) {
    for (size_t h = 0; h < heads; ++h) {
      for (size_t i = 0; i < tokens; ++i) {
        Doubles power(tokens);
        double total = 0;
        for (size_t j = 0; j < tokens; ++j) {
          double score = 0;
          for (size_t c = 0; c < width; ++c) score += at(b, i, 0, h, c) * at(b, j, 1, h, c);
          total += power[j] = std::exp(score / std::sqrt(static_cast<double>(width)));
        }
        for (size_t j = 0; j < tokens; ++j) {
          for (size_t c = 0; c < width; ++c) {
            y[(b * tokens + i) * channels + h * width + c] += power[j] / total * at(b, j, 2, h, c);
          }
        }
      }
    }
  }
  return y;
}

template <>
struct Examples<Attention> {
  static std::vector<GradExample> list() {
    return {example(
                "two heads", {{2, 5, 18}}, [](const Vars& v) { return attention(v[0], 2); },
                [](const Values& in) { return attention_equation(in[0], 5, 2, 3); }),
            example(
                "one head", {{1, 7, 12}}, [](const Vars& v) { return attention(v[0], 1); },
                [](const Values& in) { return attention_equation(in[0], 7, 1, 4); })};
  }
};

template <>
struct Examples<BatchNorm> {
  static std::vector<GradExample> list() {
    const auto equation = [](const Values& in) {
      const size_t cols = in[1].size(), rows = in[0].size() / cols;
      Doubles y(in[0].size());
      for (size_t c = 0; c < cols; ++c) {
        double mean = 0, variance = 0;
        for (size_t r = 0; r < rows; ++r) mean += in[0][r * cols + c] / static_cast<double>(rows);
        for (size_t r = 0; r < rows; ++r) {
          variance += std::pow(in[0][r * cols + c] - mean, 2) / static_cast<double>(rows);
        }
        for (size_t r = 0; r < rows; ++r) {
          y[r * cols + c] =
              (in[0][r * cols + c] - mean) / std::sqrt(variance + static_cast<double>(1e-3f)) * in[1][c] + in[2][c];
        }
      }
      return y;
    };
    return {example(
        "batch_norm", {{2, 3, 4, 5}, {5}, {5}}, [](const Vars& v) { return batch_norm(v[0], v[1], v[2], {1e-3f}); },
        equation)};
  }
};

template <>
struct Examples<Concat> {
  static std::vector<GradExample> list() {
    const auto equation = [](const Values& in) {  // of (2, 3, 2), (2, 3, 5) and (2, 3, 1)
      Doubles y;
      for (size_t row = 0; row < 6; ++row) {
        for (size_t i = 0; i < 3; ++i) {
          const size_t cols = in[i].size() / 6;
          for (size_t c = 0; c < cols; ++c) y.push_back(in[i][row * cols + c]);
        }
      }
      return y;
    };
    return {example(
                "three parts", {{2, 3, 2}, {2, 3, 5}, {2, 3, 1}},
                [](const Vars& v) {
                  return concat({v[0], v[1], v[2]});
                },
                equation),
            example(
                "one part twice", {{4, 3}},
                [](const Vars& v) {
                  return concat({v[0], v[0]});
                },
                [](const Values& in) {
                  Doubles y;
                  for (size_t r = 0; r < 4; ++r) {
                    for (size_t c = 0; c < 6; ++c) y.push_back(in[0][r * 3 + c % 3]);
                  }
                  return y;
                })};
  }
};

// Calls f(x's element, weight's element, y's element) for each product of a convolution of x (B, H, W, C) by a weight
// (O, KH, KW, C) to y (B, OH, OW, O).
template <class F>
void for_each_product(const Shape& x, const Shape& weight, const Shape& y, int64_t stride, int64_t pad, const F& f) {
  for (int64_t b = 0; b < x[0]; ++b) {
    for (int64_t i = 0; i < y[1]; ++i) {
      for (int64_t j = 0; j < y[2]; ++j) {
        for (int64_t p = 0; p < weight[1]; ++p) {
          for (int64_t q = 0; q < weight[2]; ++q) {
            const int64_t h = i * stride + p - pad, w = j * stride + q - pad;
            if (h < 0 || h >= x[1] || w < 0 || w >= x[2]) continue;
            for (int64_t o = 0; o < y[3]; ++o) {
              for (int64_t c = 0; c < x[3]; ++c) {
                f(static_cast<size_t>(((b * x[1] + h) * x[2] + w) * x[3] + c),
                  static_cast<size_t>(((o * weight[1] + p) * weight[2] + q) * x[3] + c),
                  static_cast<size_t>(((b * y[1] + i) * y[2] + j) * y[3] + o));
              }
            }
          }
        }
      }
    }
  }
}

template <>
struct Examples<Conv2d> {
  static GradExample make(const char* name, const Shape& x, const Shape& weight, const Shape& y, bool has_bias,
                          int64_t stride, int64_t pad) {
    std::vector<Shape> shapes = {x, weight};
    if (has_bias) shapes.push_back({weight[0]});
    return example(
        name, shapes,
        [=](const Vars& v) {
          const Var out = conv2d(v[0], v[1], has_bias ? v[2] : Var(), stride, pad);
          CHECK(out.shape() == y);
          return out;
        },
        [=](const Values& in) {
          Doubles out(static_cast<size_t>(num_elements(y)));
          for (size_t i = 0; i < out.size(); ++i) out[i] = has_bias ? in[2][i % in[2].size()] : 0;
          for_each_product(x, weight, y, stride, pad,
                           [&](size_t a, size_t b, size_t to) { out[to] += in[0][a] * in[1][b]; });
          return out;
        });
  }
  static std::vector<GradExample> list() {
    return {make("3 x 3", {2, 4, 5, 3}, {4, 3, 3, 3}, {2, 4, 5, 4}, false, 1, 1),
            make("with stride", {1, 5, 6, 3}, {2, 3, 3, 3}, {1, 3, 3, 2}, true, 2, 1),
            make("1 x 1 with stride", {2, 4, 4, 3}, {5, 1, 1, 3}, {2, 2, 2, 5}, false, 2, 0),
            make("not square", {1, 4, 6, 2}, {3, 2, 3, 2}, {1, 3, 4, 3}, true, 1, 0)};
  }
};

template <>
struct Examples<ConvTranspose2d> {
  static GradExample make(const char* name, const Shape& x, const Shape& weight, const Shape& y,
                          const ConvTranspose2d::Attrs& attrs) {
    return example(
        name, {x, weight},
        [=](const Vars& v) {
          const Var out = conv_transpose2d(v[0], v[1], attrs);
          CHECK(out.shape() == y);
          return out;
        },
        [=](const Values& in) {
          Doubles out(static_cast<size_t>(num_elements(y)));
          for_each_product(y, weight, x, attrs.stride, attrs.pad,
                           [&](size_t to, size_t b, size_t a) { out[to] += in[0][a] * in[1][b]; });
          return out;
        });
  }
  static std::vector<GradExample> list() {
    return {make("windows side by side", {2, 3, 2, 4}, {4, 2, 2, 3}, {2, 6, 4, 3}, {2, 0}),
            make("windows over each other", {1, 3, 3, 2}, {2, 4, 4, 3}, {1, 6, 6, 3}, {2, 1}),
            make("without stride", {1, 4, 3, 2}, {2, 3, 3, 4}, {1, 4, 3, 4}, {1, 1}),
            make("cropped", {2, 2, 3, 4}, {4, 2, 2, 3}, {2, 3, 5, 3}, {2, 0, 1, 1})};
  }
};

template <>
struct Examples<Multiply> {
  static std::vector<GradExample> list() {
    const auto run = [](const Vars& v) { return multiply(v[0], v[1]); };
    const auto products = pairs([](double a, double b) { return a * b; });
    return {example("same shape", {{2, 3, 5}, {2, 3, 5}}, run, products),
            example("a row", {{7, 5}, {5}}, run, products),
            example(
                "a number", {{3, 5}, {1}},
                [](const Vars& v) {
                  return multiply(reshape(v[0], {15, 1}), v[1]);
                },
                products)};
  }
};

template <>
struct Examples<Scale> {
  static std::vector<GradExample> list() {
    return {example(
        "scale", {{3, 5}}, [](const Vars& v) { return scale(v[0], -2.5f); }, each([](double x) { return -2.5 * x; }))};
  }
};

template <>
struct Examples<Dropout> {
  static std::vector<GradExample> list() {
    const auto equation = [](const Values& in) {
      Doubles y;
      for (size_t i = 0; i < in[0].size(); ++i) {
        const uint32_t word = kernels::philox_block(5, 7, i / 4).x[i % 4];
        const bool is_kept = (word >> 8) >= kernels::dropout_threshold(0.3f);
        y.push_back(is_kept ? in[0][i] / (1 - static_cast<double>(0.3f)) : 0);
      }
      return y;
    };
    return {example(
        "dropout", {{4, 33}}, [](const Vars& v) { return dropout(v[0], 0.3f, 5, 7); }, equation)};
  }
};

Doubles layer_norm_equation(const Values& in, size_t cols, double eps) {
  Doubles y;
  for (size_t r = 0; r < in[0].size(); r += cols) {
    double mean = 0, variance = 0;
    for (size_t c = 0; c < cols; ++c) mean += in[0][r + c] / static_cast<double>(cols);
    for (size_t c = 0; c < cols; ++c) variance += std::pow(in[0][r + c] - mean, 2) / static_cast<double>(cols);
    for (size_t c = 0; c < cols; ++c) {
      y.push_back((in[0][r + c] - mean) / std::sqrt(variance + eps) * in[1][c] + in[2][c]);
    }
  }
  return y;
}

template <>
struct Examples<LayerNorm> {
  static std::vector<GradExample> list() {
    return {example(
        "layer_norm", {{2, 4, 19}, {19}, {19}}, [](const Vars& v) { return layer_norm(v[0], v[1], v[2], 1e-3f); },
        [](const Values& in) { return layer_norm_equation(in, 19, 1e-3f); })};
  }
};

Doubles linear_equation(const Values& in, size_t cols) {
  Doubles y;
  const size_t outputs = in[1].size() / cols;
  for (size_t r = 0; r < in[0].size(); r += cols) {
    for (size_t o = 0; o < outputs; ++o) {
      double sum = in.size() > 2 ? in[2][o] : 0;
      for (size_t c = 0; c < cols; ++c) sum += in[0][r + c] * in[1][o * cols + c];
      y.push_back(sum);
    }
  }
  return y;
}

template <>
struct Examples<Linear> {
  static std::vector<GradExample> list() {
    const auto equation = [](const Values& in) { return linear_equation(in, 7); };
    return {
        example(
            "with a bias", {{2, 3, 7}, {5, 7}, {5}}, [](const Vars& v) { return linear(v[0], v[1], v[2]); }, equation),
        example(
            "without", {{6, 7}, {4, 7}}, [](const Vars& v) { return linear(v[0], v[1]); }, equation),
        example(
            "square", {{7, 7}, {7, 7}}, [](const Vars& v) { return linear(v[0], v[1]); }, equation)};
  }
};

// qkv (tokens, 3, heads, width) of one image.
Doubles linear_attention_equation(const Doubles& qkv, size_t tokens, size_t heads, size_t width) {
  const auto phi = [](double x) { return x > 0 ? x + 1 : std::exp(x); };
  const auto at = [&](size_t t, size_t part, size_t h, size_t d) {
    return qkv[((t * 3 + part) * heads + h) * width + d];
  };
  Doubles y(tokens * heads * width);
  for (size_t t = 0; t < tokens; ++t) {
    for (size_t h = 0; h < heads; ++h) {
      double total = 0;
      Doubles sum(width, 0);
      for (size_t s = 0; s < tokens; ++s) {
        double weight = 0;
        for (size_t d = 0; d < width; ++d) weight += phi(at(t, 0, h, d)) * phi(at(s, 1, h, d));
        total += weight;
        for (size_t d = 0; d < width; ++d) sum[d] += weight * at(s, 2, h, d);
      }
      for (size_t d = 0; d < width; ++d) y[(t * heads + h) * width + d] = sum[d] / total;
    }
  }
  return y;
}

template <>
struct Examples<LinearAttention> {
  static std::vector<GradExample> list() {
    const auto equation = [](const Values& in) {
      const size_t half = in[0].size() / 2;
      Doubles y;
      for (const size_t begin : {size_t{0}, half}) {
        const auto first = in[0].begin() + static_cast<std::ptrdiff_t>(begin);
        const Doubles image = linear_attention_equation({first, first + static_cast<std::ptrdiff_t>(half)}, 5, 2, 3);
        y.insert(y.end(), image.begin(), image.end());
      }
      return y;
    };
    return {example(
        "two images, two heads", {{2, 5, 18}}, [](const Vars& v) { return linear_attention(v[0], 2); }, equation)};
  }
};

template <>
struct Examples<MapCosine> {
  static std::vector<GradExample> list() {
    const auto equation = [](const Values& in) {
      double mean = 0;
      for (size_t begin = 0; begin < in[0].size(); begin += 20) {
        double product = 0, a = 0, b = 0;
        for (size_t i = begin; i < begin + 20; ++i) {
          product += in[0][i] * in[1][i], a += in[0][i] * in[0][i], b += in[1][i] * in[1][i];
        }
        mean += (1 - product / std::sqrt(a * b)) / 3;
      }
      return Doubles{mean};
    };
    return {example(
        "map_cosine", {{3, 4, 5}, {3, 4, 5}}, [](const Vars& v) { return map_cosine(v[0], v[1]); }, equation)};
  }
};

template <>
struct Examples<Reduce> {
  static std::vector<GradExample> list() {
    const auto total = [](const Values& in) {
      double t = 0;
      for (const double x : in[0]) t += x;
      return t;
    };
    return {example(
                "sum", {{3, 5}}, [](const Vars& v) { return sum(v[0]); },
                [total](const Values& in) { return Doubles{total(in)}; }),
            example(
                "mean", {{3, 5}}, [](const Vars& v) { return mean(v[0]); },
                [total](const Values& in) { return Doubles{total(in) / 15}; })};
  }
};

template <>
struct Examples<Reshape> {
  static std::vector<GradExample> list() {
    return {example(
        "reshape", {{2, 3, 4}},
        [](const Vars& v) {
          return reshape(v[0], {4, 6});
        },
        [](const Values& in) { return in[0]; })};
  }
};

template <>
struct Examples<SkipTokens> {
  static std::vector<GradExample> list() {
    const auto after_two = [](const Values& in) {  // of (3, 5, 4)
      Doubles y;
      for (size_t b = 0; b < 3; ++b) y.insert(y.end(), in[0].begin() + b * 20 + 8, in[0].begin() + (b + 1) * 20);
      return y;
    };
    return {example(
                "some", {{3, 5, 4}}, [](const Vars& v) { return skip_tokens(v[0], 2); }, after_two),
            example(
                "none", {{3, 5, 4}}, [](const Vars& v) { return skip_tokens(v[0], 0); },
                [](const Values& in) { return in[0]; })};
  }
};

template <>
struct Examples<Softmax> {
  static std::vector<GradExample> list() {
    const auto equation = [](const Values& in) {
      Doubles y;
      for (size_t r = 0; r < in[0].size(); r += 11) {
        double total = 0;
        for (size_t c = 0; c < 11; ++c) total += std::exp(in[0][r + c]);
        for (size_t c = 0; c < 11; ++c) y.push_back(std::exp(in[0][r + c]) / total);
      }
      return y;
    };
    return {example(
        "softmax", {{2, 3, 11}}, [](const Vars& v) { return softmax(v[0]); }, equation)};
  }
};

template <class Op>
void check_op() {
  CAPTURE(std::string(Op::kName));
  const std::vector<GradExample> examples = Examples<Op>::list();
  CHECK_FALSE(examples.empty());
  for (const GradExample& e : examples) check_gradients(e);
}

template <class... Ops>
void check_all(const std::tuple<Ops...>*) {
  (check_op<Ops>(), ...);
}

TEST_CASE("every operation's value and gradients agree with its equation in double") {
  check_all(static_cast<const AllOps*>(nullptr));
}

TEST_CASE("hard mining scales the gradient of the reconstruction at the batch's easy points, and no other") {
  const Shape shape = {2, 6, 3};
  const std::vector<float> a = testing::random_values(36, 3), b = testing::random_values(36, 4);
  const auto gradients = [&](double quantile, float factor) {
    Tape tape;
    const Var target = tape.variable(assay::testing::tensor_of<float>(shape, a));
    const Var reconstruction = tape.variable(assay::testing::tensor_of<float>(shape, b));
    tape.backward(map_cosine(target, reconstruction, quantile, factor));
    return std::vector<std::vector<float>>{assay::testing::values_of<float>(tape.grad(target)),
                                           assay::testing::values_of<float>(tape.grad(reconstruction))};
  };
  std::vector<double> distance;
  for (size_t p = 0; p < 36; p += 3) {
    double product = 0, square_a = 0, square_b = 0;
    for (size_t i = p; i < p + 3; ++i) product += a[i] * b[i], square_a += a[i] * a[i], square_b += b[i] * b[i];
    distance.push_back(1 - product / std::sqrt(square_a * square_b));
  }
  std::vector<double> sorted = distance;
  std::sort(sorted.rbegin(), sorted.rend());
  const auto plain = gradients(0, 1), mined = gradients(0.75, 0.1f);
  CHECK(mined[0] == plain[0]);
  int easy = 0;
  for (size_t p = 0; p < distance.size(); ++p) {
    const bool is_easy = distance[p] < sorted[2];  // the third largest of twelve
    easy += is_easy;
    for (size_t i = 3 * p; i < 3 * p + 3; ++i) CHECK(mined[1][i] == (is_easy ? 0.1f * plain[1][i] : plain[1][i]));
  }
  CHECK(easy == 9);
}

TEST_CASE("batch_norm moves running statistics on its way forward, once a pass") {
  const std::vector<float> x = testing::random_values(24, 3);
  Tape tape;
  const Var ones = tape.constant(assay::testing::tensor_of<float>({2}, {1, 1}));
  BatchNorm::Attrs attrs = {1e-5f, 0.25f, assay::testing::tensor_of<float>({2}, {1, 2}),
                            assay::testing::tensor_of<float>({2}, {3, 4})};
  const Var y = batch_norm(tape.variable(assay::testing::tensor_of<float>({3, 4, 2}, x)), ones, ones, attrs);
  tape.backward(sum(y));
  const std::vector<float> mean = assay::testing::values_of<float>(attrs.running_mean);
  const std::vector<float> variance = assay::testing::values_of<float>(attrs.running_variance);
  for (size_t c = 0; c < 2; ++c) {
    double m = 0, v = 0;
    for (size_t r = 0; r < 12; ++r) m += x[r * 2 + c] / 12.0;
    for (size_t r = 0; r < 12; ++r) v += std::pow(x[r * 2 + c] - m, 2) / 11;
    CHECK(mean[c] == doctest::Approx(0.75 * (1.0 + static_cast<double>(c)) + 0.25 * m).epsilon(1e-6));
    CHECK(variance[c] == doctest::Approx(0.75 * (3.0 + static_cast<double>(c)) + 0.25 * v).epsilon(1e-6));
  }
}

TEST_CASE("operands that do not fit are refused by name") {
  Tape tape;
  const auto of = [&tape](const Shape& shape) {
    return tape.constant(assay::testing::tensor_of<float>(shape, testing::random_values(num_elements(shape), 1)));
  };
  CHECK_THROWS_WITH(add(of({2, 3}), of({2})), "add: b has shape (2), expected (2, 3) or its last axes");
  CHECK_THROWS_WITH(multiply(of({3}), of({2, 3})), "multiply: b has shape (2, 3), expected (3) or its last axes");
  CHECK_THROWS_WITH(linear(of({2, 3}), of({4, 2})),
                    "linear: weight has shape (4, 2), x has shape (2, 3), expected (C_out, C_in) and (..., C_in)");
  CHECK_THROWS_WITH(linear(of({2, 3}), of({4, 3}), of({3})), "linear: bias has shape (3), expected (4)");
  CHECK_THROWS_WITH(layer_norm(of({2, 3}), of({2}), of({3}), 1e-5f), "layer_norm: gamma has shape (2), expected (3)");
  CHECK_THROWS_WITH(layer_norm(of({2, 3}), of({3}), of({3}), 0), "layer_norm: eps is 0, expected a positive number");
  CHECK_THROWS_WITH(batch_norm(of({1, 3}), of({3}), of({3}), {}),
                    "batch_norm: x has shape (1, 3), expected (..., C) with C >= 1 and at least two rows");
  CHECK_THROWS_WITH(batch_norm(of({2, 3}), of({2}), of({3}), {}), "batch_norm: gamma has shape (2), expected (3)");
  CHECK_THROWS_WITH(batch_norm(of({2, 3}), of({3}), of({3}), {1e-5f, 2}),
                    "batch_norm: eps is 1e-05, momentum 2, expected a positive number and 0 to 1");
  CHECK_THROWS_WITH(batch_norm(of({2, 3}), of({3}), of({3}), {1e-5f, 0.1f, of({2}).value()}),
                    "batch_norm: a running statistic has shape (2), expected (3)");
  CHECK_THROWS_WITH(concat({of({2, 3}), of({3, 3})}),
                    "concat: part 1 has shape (3, 3), part 0 (2, 3), expected a difference in the last axis alone");
  CHECK_THROWS_WITH(concat({of({2, 3}), of({3})}), "concat: part 1 has shape (3), part 0 (2, 3)");
  CHECK_THROWS_WITH(conv2d(of({1, 4, 4, 3}), of({2, 3, 3, 4}), {}, 1, 1),
                    "conv2d: weight has shape (2, 3, 3, 4), x has shape (1, 4, 4, 3), expected (C_out, KH, KW, C_in) "
                    "and (B, H, W, C_in)");
  CHECK_THROWS_WITH(conv2d(of({1, 4, 4, 3}), of({2, 3, 3, 3}), of({3}), 1, 1),
                    "conv2d: bias has shape (3), expected (2)");
  CHECK_THROWS_WITH(conv2d(of({1, 4, 4, 3}), of({2, 3, 3, 3}), {}, 0, 1),
                    "conv2d: stride 0 and padding 1, expected at least 1 and 0");
  CHECK_THROWS_WITH(conv2d(of({1, 1, 4, 3}), of({2, 3, 3, 3}), {}, 1, 0),
                    "conv2d: windows of 3 x 3 on x of shape (1, 1, 4, 3) with 0 zeros around");
  CHECK_THROWS_WITH(conv_transpose2d(of({1, 4, 4, 3}), of({2, 3, 3, 3}), {1, 1}),
                    "conv_transpose2d: weight has shape (2, 3, 3, 3), x has shape (1, 4, 4, 3), expected (C_in, KH, "
                    "KW, C_out) and (B, H, W, C_in)");
  CHECK_THROWS_WITH(conv_transpose2d(of({1, 1, 4, 2}), of({2, 1, 3, 3}), {1, 1, 0, 0}),
                    "conv_transpose2d: windows of 1 x 3 from x of shape (1, 1, 4, 2) without 1 cells around and 0 x 0 "
                    "at the end leave nothing");
  CHECK_THROWS_WITH(attention(of({2, 3, 10}), 2),
                    "attention: qkv has shape (2, 3, 10), expected (B, T, 3 C) with C a multiple of 2 heads");
  CHECK_THROWS_AS(attention(of({3, 12}), 2), Error);
  CHECK_THROWS_AS(attention(of({2, 3, 12}), 0), Error);
  CHECK_THROWS_WITH(attention(of({1, 1, 387}), 1), "attention: heads of 129 channels, at most 128 are supported");
  CHECK_THROWS_WITH(softmax(of({2, 0})), "softmax: x has shape (2, 0), expected (..., C) with C >= 1");
  CHECK_THROWS_WITH(dropout(of({2}), 1, 0, 0), "dropout: probability 1, expected 0 to below 1");
  CHECK_THROWS_WITH(linear_attention(of({1, 2, 10}), 2),
                    "linear_attention: qkv has shape (1, 2, 10), expected (B, T, 3 C) with C a multiple of 2 heads");
  CHECK_THROWS_WITH(map_cosine(of({1, 2, 3}), of({1, 3, 2})),
                    "map_cosine: reconstruction has shape (1, 3, 2), expected (1, 2, 3)");
  CHECK_THROWS_WITH(map_cosine(of({1, 2, 3}), of({1, 2, 3}), 2), "map_cosine: quantile 2, expected 0 to 1");
  CHECK_THROWS_WITH(mean(of({0})), "reduce: the mean of no elements");
  CHECK_THROWS_AS(reshape(of({2, 3}), {5}), Error);
  CHECK_THROWS_WITH(skip_tokens(of({2, 3, 4}), 4),
                    "skip_tokens: x has shape (2, 3, 4), expected (B, T, C) with T at least 4");
  CHECK_THROWS_WITH(gelu(tape.constant(Tensor::zeros<int32_t>({2}, "test", assay::testing::test_device()))),
                    "activation: x is int32, expected float32");
}

}  // namespace
}  // namespace assay::autograd
