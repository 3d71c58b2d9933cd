// Reference models: the published formulas, one token and one number after another, in double precision.
// SPDX-License-Identifier: Apache-2.0
#include "model/reference.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include <fmt/format.h>

#include "kernels/half.h"
#include "kernels/kernels.h"

namespace docmind::test {
namespace {

constexpr double kPi = std::numbers::pi;

// What a product with quantized weights reads: 8-bit codes, one scale for 32 values.
Row as_codes(Row x) {
  for (size_t begin = 0; begin < x.size(); begin += 32) {
    float peak = 0;
    for (size_t i = begin; i < begin + 32; ++i) peak = std::max(peak, static_cast<float>(std::abs(x[i])));
    const float inverse = peak > 0 ? 127.0f / peak : 0.0f;
    for (size_t i = begin; i < begin + 32; ++i) {
      x[i] = std::nearbyint(static_cast<float>(x[i]) * inverse) * static_cast<double>(peak / 127.0f);
    }
  }
  return x;
}

class Tensors {
 public:
  explicit Tensors(const gguf::File& file) : file_(file) {}

  [[nodiscard]] bool has(const std::string& name) const { return file_.find_tensor(name) != nullptr; }
  [[nodiscard]] const Row& row(const std::string& name, int64_t row) {
    return matrix(name)[static_cast<size_t>(row)];
  }
  // x * W^T + bias
  [[nodiscard]] Row apply(const std::string& stem, Row x) {
    const std::vector<Row>& weights = matrix(stem + ".weight");
    const auto type = static_cast<kernels::TensorType>(file_.find_tensor(stem + ".weight")->gguf_type);
    if (kernels::uses_quantized_activations(type)) x = as_codes(std::move(x));
    Row y(weights.size(), 0.0);
    if (has(stem + ".bias")) y = row(stem + ".bias", 0);
    for (size_t r = 0; r < weights.size(); ++r) {
      for (size_t c = 0; c < x.size(); ++c) y[r] += weights[r][c] * x[c];
    }
    return y;
  }

 private:
  const std::vector<Row>& matrix(const std::string& name) {
    std::vector<Row>& rows = matrices_[name];
    if (!rows.empty()) return rows;
    const gguf::TensorInfo& tensor = *file_.find_tensor(name);
    const auto type = static_cast<kernels::TensorType>(tensor.gguf_type);
    const size_t stride = kernels::row_bytes(kernels::tensor_type_info(type), tensor.dims[0]);
    std::vector<float> values(static_cast<size_t>(tensor.dims[0]));
    for (int64_t r = 0; r < tensor.dims[1]; ++r) {
      kernels::dequantize_row(type, tensor.data.data() + static_cast<size_t>(r) * stride, tensor.dims[0],
                              values.data());
      rows.emplace_back(values.begin(), values.end());
    }
    return rows;
  }

  const gguf::File& file_;
  std::map<std::string, std::vector<Row>> matrices_;
};

Row sum(Row a, const Row& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

Row rms_norm(Row x, const Row& gain, double eps) {
  double squares = 0;
  for (const double v : x) squares += v * v;
  const double scale = 1 / std::sqrt(squares / static_cast<double>(x.size()) + eps);
  for (size_t i = 0; i < x.size(); ++i) x[i] *= scale * gain[i];
  return x;
}

Row layer_norm(Row x, const Row& gain, const Row& bias, double eps) {
  const auto n = static_cast<double>(x.size());
  double mean = 0, variance = 0;
  for (const double v : x) mean += v / n;
  for (const double v : x) variance += (v - mean) * (v - mean) / n;
  for (size_t i = 0; i < x.size(); ++i) x[i] = (x[i] - mean) / std::sqrt(variance + eps) * gain[i] + bias[i];
  return x;
}

Row as_stored(Row x) {
  for (double& v : x) v = kernels::half_to_float(kernels::float_to_half(static_cast<float>(v)));
  return x;
}

Row part(const Row& x, int64_t begin, int64_t n) { return {x.begin() + begin, x.begin() + begin + n}; }

// YaRN as its paper defines it: by the number of turns within the original context.
double yarn_frequency(const model::DecoderConfig& c, double frequency, int64_t pair) {
  const auto pair_for = [&](double turns) {
    return static_cast<double>(c.n_rot) * std::log(static_cast<double>(c.rope_original_context) / (turns * 2 * kPi)) /
           (2 * std::log(c.rope_base));
  };
  const double low = std::max(0.0, std::floor(pair_for(c.yarn_beta_fast)));
  const double high = std::min(static_cast<double>(c.n_rot - 1), std::ceil(pair_for(c.yarn_beta_slow)));
  double interpolated = (static_cast<double>(pair) - low) / std::max(0.001, high - low);
  interpolated = std::min(1.0, std::max(0.0, interpolated));
  return frequency / c.rope_factor * interpolated + frequency * (1 - interpolated);
}

Row rotate(const model::DecoderConfig& c, Tensors& tensors, Row head, int64_t position) {
  const double magnitude = c.rope_scaling == model::RopeScaling::kYarn ? 0.1 * std::log(c.rope_factor) + 1 : 1.0;
  for (int64_t pair = 0; pair < c.n_rot / 2; ++pair) {
    double frequency = 1 / std::pow(c.rope_base, 2.0 * static_cast<double>(pair) / static_cast<double>(c.n_rot));
    if (tensors.has("rope_freqs.weight")) frequency /= tensors.row("rope_freqs.weight", 0)[static_cast<size_t>(pair)];
    if (c.rope_scaling == model::RopeScaling::kLinear) frequency /= c.rope_factor;
    if (c.rope_scaling == model::RopeScaling::kYarn) frequency = yarn_frequency(c, frequency, pair);
    const double angle = static_cast<double>(position) * frequency;
    const auto first = static_cast<size_t>(c.architecture == "llama" ? 2 * pair : pair);
    const size_t second = c.architecture == "llama" ? first + 1 : first + static_cast<size_t>(c.n_rot / 2);
    const double a = head[first], b = head[second];
    head[first] = (a * std::cos(angle) - b * std::sin(angle)) * magnitude;
    head[second] = (a * std::sin(angle) + b * std::cos(angle)) * magnitude;
  }
  return head;
}

// softmax(q k / sqrt(d)) v over the first `n_visible` keys, head by head.
struct Attention {
  int64_t n_heads, n_kv_heads, head_dim;
  std::vector<Row> keys, values;  // of all tokens, all KV heads

  [[nodiscard]] Row operator()(const Row& q, size_t n_visible) const {
    Row out(q.size(), 0.0);
    for (int64_t h = 0; h < n_heads; ++h) {
      const auto at = static_cast<size_t>(h * head_dim);
      const auto kv_at = static_cast<size_t>(h / (n_heads / n_kv_heads) * head_dim);
      const auto d = static_cast<size_t>(head_dim);
      Row weights;
      for (size_t t = 0; t < n_visible; ++t) {
        double score = 0;
        for (size_t i = 0; i < d; ++i) score += q[at + i] * keys[t][kv_at + i];
        weights.push_back(score / std::sqrt(static_cast<double>(head_dim)));
      }
      const double largest = *std::max_element(weights.begin(), weights.end());
      double total = 0;
      for (double& w : weights) total += w = std::exp(w - largest);
      for (size_t t = 0; t < n_visible; ++t) {
        for (size_t i = 0; i < d; ++i) out[at + i] += weights[t] / total * values[t][kv_at + i];
      }
    }
    return out;
  }
};

// Norm (qwen3) and rotation of each head of `x`.
Row prepared_heads(const model::DecoderConfig& c, Tensors& tensors, const std::string& norm, const Row& x,
                   int64_t position) {
  Row out;
  for (int64_t at = 0; at < static_cast<int64_t>(x.size()); at += c.head_dim) {
    Row head = part(x, at, c.head_dim);
    if (tensors.has(norm)) head = rms_norm(head, tensors.row(norm, 0), c.rms_eps);
    head = rotate(c, tensors, head, position);
    out.insert(out.end(), head.begin(), head.end());
  }
  return out;
}

void decoder_layer(const model::DecoderConfig& c, Tensors& tensors, const std::string& at,
                   std::vector<Row>& rows) {
  Attention attention{c.n_heads, c.n_kv_heads, c.head_dim, {}, {}};
  for (size_t t = 0; t < rows.size(); ++t) {
    const auto position = static_cast<int64_t>(t);
    const Row x = rms_norm(rows[t], tensors.row(at + "attn_norm.weight", 0), c.rms_eps);
    const Row q = prepared_heads(c, tensors, at + "attn_q_norm.weight", tensors.apply(at + "attn_q", x), position);
    const Row k = prepared_heads(c, tensors, at + "attn_k_norm.weight", tensors.apply(at + "attn_k", x), position);
    attention.keys.push_back(as_stored(k));
    attention.values.push_back(as_stored(tensors.apply(at + "attn_v", x)));
    rows[t] = sum(rows[t], tensors.apply(at + "attn_output", attention(q, t + 1)));
    const Row y = rms_norm(rows[t], tensors.row(at + "ffn_norm.weight", 0), c.rms_eps);
    Row gate = tensors.apply(at + "ffn_gate", y);
    const Row up = tensors.apply(at + "ffn_up", y);
    for (size_t i = 0; i < gate.size(); ++i) gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
    rows[t] = sum(rows[t], tensors.apply(at + "ffn_down", gate));
  }
}

void encoder_layer(const model::EncoderConfig& c, Tensors& tensors, const std::string& at,
                   std::vector<Row>& rows) {
  const auto norm = [&](const std::string& stem, const Row& x) {
    return layer_norm(x, tensors.row(at + stem + ".weight", 0), tensors.row(at + stem + ".bias", 0), c.norm_eps);
  };
  Attention attention{c.n_heads, c.n_heads, c.head_dim, {}, {}};
  std::vector<Row> queries;
  for (const Row& row : rows) {
    queries.push_back(tensors.apply(at + "attn_q", row));
    attention.keys.push_back(as_stored(tensors.apply(at + "attn_k", row)));
    attention.values.push_back(as_stored(tensors.apply(at + "attn_v", row)));
  }
  for (size_t t = 0; t < rows.size(); ++t) {
    const Row attended = tensors.apply(at + "attn_output", attention(queries[t], rows.size()));
    rows[t] = norm("attn_output_norm", sum(rows[t], attended));
    Row hidden = tensors.apply(at + "ffn_up", rows[t]);
    for (double& v : hidden) v = 0.5 * v * (1 + std::tanh(std::sqrt(2 / kPi) * (v + 0.044715 * v * v * v)));
    rows[t] = norm("layer_output_norm", sum(rows[t], tensors.apply(at + "ffn_down", hidden)));
  }
}

}  // namespace

Row reference_logits(const gguf::File& file, const model::DecoderConfig& config,
                     std::span<const model::TokenId> tokens) {
  Tensors tensors(file);
  std::vector<Row> rows;
  for (const model::TokenId token : tokens) rows.push_back(tensors.row("token_embd.weight", token));
  for (int64_t i = 0; i < config.n_layers; ++i) decoder_layer(config, tensors, fmt::format("blk.{}.", i), rows);
  Row logits;
  for (const Row& row : rows) {
    const Row x = rms_norm(row, tensors.row("output_norm.weight", 0), config.rms_eps);
    const Row y = tensors.apply(tensors.has("output.weight") ? "output" : "token_embd", x);
    logits.insert(logits.end(), y.begin(), y.end());
  }
  return logits;
}

std::vector<Row> reference_rows(const gguf::File& file, const model::EncoderConfig& config,
                                std::span<const model::TokenId> tokens) {
  Tensors tensors(file);
  std::vector<Row> rows;
  for (size_t t = 0; t < tokens.size(); ++t) {
    Row x = tensors.row("token_embd.weight", tokens[t]);
    x = sum(x, tensors.row("position_embd.weight", static_cast<int64_t>(t)));
    if (tensors.has("token_types.weight")) x = sum(x, tensors.row("token_types.weight", 0));
    rows.push_back(layer_norm(x, tensors.row("token_embd_norm.weight", 0), tensors.row("token_embd_norm.bias", 0),
                              config.norm_eps));
  }
  for (int64_t i = 0; i < config.n_layers; ++i) encoder_layer(config, tensors, fmt::format("blk.{}.", i), rows);
  return rows;
}

double reference_score(const gguf::File& file, const model::EncoderConfig& config,
                       std::span<const model::TokenId> tokens) {
  Tensors tensors(file);
  Row x = reference_rows(file, config, tokens)[0];
  if (tensors.has("cls.weight")) {
    x = tensors.apply("cls", x);
    for (double& v : x) v = std::tanh(v);
  }
  return tensors.apply("cls.output", x)[0];
}

}  // namespace docmind::test
