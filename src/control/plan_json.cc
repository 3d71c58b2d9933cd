// Plans as JSON, for programs and for configuration writers, and back with every field checked.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "base/text.h"
#include "control/planner.h"

namespace docmind::control {
namespace {

constexpr size_t kMostPlanText = size_t{4} << 20;
constexpr size_t kMostPlanDepth = 16;
constexpr size_t kMostPlanFieldBytes = 4'096;
constexpr size_t kMostPlanListed = 64;
constexpr int64_t kMostPlanBytes = int64_t{1} << 61;
constexpr int64_t kMostPlanTokens = int64_t{1} << 40;
constexpr int64_t kMostPlanParameters = int64_t{1} << 50;

json::object model_json(const PlanModel& model) {
  return {{"name", to_valid_utf8(model.name)},
          {"architecture", to_valid_utf8(model.architecture)},
          {"file", to_valid_utf8(model.file)},
          {"hugging_face", to_valid_utf8(model.hugging_face)},
          {"ollama", to_valid_utf8(model.ollama)},
          {"parameters", model.n_parameters},
          {"layers", model.n_layers},
          {"embedding", model.n_embd},
          {"heads", model.n_heads},
          {"kv_heads", model.n_kv_heads},
          {"head_dim", model.head_dim},
          {"vocabulary", model.n_vocab},
          {"file_context", model.file_context},
          {"trained_context", model.trained_context},
          {"largest_context", model.largest_context},
          {"rope_base", model.rope_base},
          {"overhead_bytes", model.overhead_bytes},
          {"activation_bytes", model.activation_bytes}};
}

json::object device_json(const PlanDevice& device) {
  return {{"name", to_valid_utf8(device.name)},
          {"gpu", device.gpu},
          {"memory_bytes", device.memory_bytes},
          {"usable_bytes", device.usable_bytes},
          {"bandwidth_gb_per_s", device.bandwidth_gb_per_s}};
}

json::array texts_json(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) array.push_back(json::value(to_valid_utf8(text)));
  return array;
}

json::object choice_json(const PlanChoice& choice, bool with_model) {
  json::object object{{"provider", plan_provider_name(choice.provider)}};
  if (with_model) {
    object["model"] = model_json(choice.model);
    object["device"] = device_json(choice.device);
  }
  object["weights"] = to_valid_utf8(choice.weights);
  object["kv"] = to_valid_utf8(choice.kv);
  object["context"] = choice.context;
  object["concurrent"] = choice.concurrent;
  object["with_rag"] = choice.with_rag;
  json::array parts;
  for (const PlanPart& part : choice.parts) {
    parts.push_back(json::object{
        {"name", to_valid_utf8(part.name)}, {"bytes", part.n_bytes}, {"note", to_valid_utf8(part.note)}});
  }
  object["parts"] = std::move(parts);
  object["total_bytes"] = choice.total_bytes;
  object["fits"] = choice.fits;
  object["missing_bytes"] = choice.missing_bytes;
  const auto speed = [&](const char* key, const std::optional<double>& value) {
    if (value) object[key] = *value;
  };
  speed("decode_tokens_per_s", choice.decode_tokens_per_s);
  speed("decode_tokens_per_s_empty", choice.decode_tokens_per_s_empty);
  speed("decode_tokens_per_s_together", choice.decode_tokens_per_s_together);
  object["quality"] = texts_json(choice.quality);
  object["changes"] = texts_json(choice.changes);
  object["notes"] = texts_json(choice.notes);
  return object;
}

// Reads members of an object; every error names the whole path of the field.
class PlanFields {
 public:
  PlanFields(const json::object& object, std::string path) : object_(object), path_(std::move(path)) {}

  [[nodiscard]] Result<std::string> text(std::string_view key) const {
    DM_ASSIGN(const json::value* value, find(key));
    return text_of(*value, at(key));
  }
  [[nodiscard]] Result<bool> boolean(std::string_view key) const {
    DM_ASSIGN(const json::value* value, find(key));
    if (!value->is_bool()) return wrong(at(key), "is neither true nor false");
    return value->as_bool();
  }
  [[nodiscard]] Result<int64_t> integer(std::string_view key, int64_t least, int64_t most) const {
    DM_ASSIGN(const json::value* value, find(key));
    if (!value->is_int64() && !value->is_uint64()) return wrong(at(key), "is no whole number");
    if (value->is_uint64() || value->as_int64() < least || value->as_int64() > most) {
      return wrong(at(key), fmt::format("is {}, not within {} and {}", json::serialize(*value), least, most));
    }
    return value->as_int64();
  }
  [[nodiscard]] Result<double> real(std::string_view key) const {
    DM_ASSIGN(const json::value* value, find(key));
    const double number = value->is_number() ? value->to_number<double>() : -1;
    if (!(number >= 0) || !std::isfinite(number)) return wrong(at(key), "is no number from 0 on");
    return number;
  }
  [[nodiscard]] Result<std::optional<double>> real_if_there(std::string_view key) const {
    if (!object_.contains(key)) return std::optional<double>();
    DM_ASSIGN(const double number, real(key));
    return std::optional(number);
  }
  [[nodiscard]] Result<PlanFields> object(std::string_view key) const {
    DM_ASSIGN(const json::value* value, find(key));
    if (!value->is_object()) return wrong(at(key), "is no object");
    return PlanFields(value->as_object(), at(key));
  }
  [[nodiscard]] Result<const json::array*> array(std::string_view key) const {
    DM_ASSIGN(const json::value* value, find(key));
    if (!value->is_array()) return wrong(at(key), "is no list");
    if (value->as_array().size() > kMostPlanListed) {
      return wrong(at(key), fmt::format("has {} entries, more than {}", value->as_array().size(), kMostPlanListed));
    }
    return &value->as_array();
  }
  [[nodiscard]] Result<std::vector<std::string>> texts(std::string_view key) const {
    DM_ASSIGN(const json::array* values, array(key));
    std::vector<std::string> texts;
    for (size_t i = 0; i < values->size(); ++i) {
      DM_ASSIGN(std::string text, text_of((*values)[i], fmt::format("{}[{}]", at(key), i)));
      texts.push_back(std::move(text));
    }
    return texts;
  }
  [[nodiscard]] std::string at(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  }
  static Error wrong(std::string_view where, std::string_view what) {
    return {ErrorCode::kMalformed, fmt::format("the plan's '{}' {}", printable(where), what)};
  }

 private:
  [[nodiscard]] Result<const json::value*> find(std::string_view key) const {
    const json::value* value = object_.if_contains(key);
    if (value == nullptr) return wrong(at(key), "is missing");
    return value;
  }
  static Result<std::string> text_of(const json::value& value, const std::string& where) {
    if (!value.is_string()) return wrong(where, "is no text");
    const std::string_view text = value.as_string();
    if (text.size() > kMostPlanFieldBytes) {
      return wrong(where, fmt::format("has {} bytes, more than {}", text.size(), kMostPlanFieldBytes));
    }
    if (text.find('\0') != std::string_view::npos) return wrong(where, "has a zero byte");
    return std::string(text);
  }

  const json::object& object_;
  std::string path_;
};

Status read_model(const PlanFields& in, PlanModel& model) {
  DM_ASSIGN(model.name, in.text("name"));
  DM_ASSIGN(model.architecture, in.text("architecture"));
  DM_ASSIGN(model.file, in.text("file"));
  DM_ASSIGN(model.hugging_face, in.text("hugging_face"));
  DM_ASSIGN(model.ollama, in.text("ollama"));
  DM_ASSIGN(model.n_parameters, in.integer("parameters", 1, kMostPlanParameters));
  DM_ASSIGN(model.n_layers, in.integer("layers", 1, 1 << 20));
  DM_ASSIGN(model.n_embd, in.integer("embedding", 1, 1 << 24));
  DM_ASSIGN(model.n_heads, in.integer("heads", 1, 1 << 20));
  DM_ASSIGN(model.n_kv_heads, in.integer("kv_heads", 1, 1 << 20));
  DM_ASSIGN(model.head_dim, in.integer("head_dim", 1, 1 << 20));
  DM_ASSIGN(model.n_vocab, in.integer("vocabulary", 1, 1 << 30));
  DM_ASSIGN(model.file_context, in.integer("file_context", 1, kMostPlanTokens));
  DM_ASSIGN(model.trained_context, in.integer("trained_context", 1, kMostPlanTokens));
  DM_ASSIGN(model.largest_context, in.integer("largest_context", 1, kMostPlanTokens));
  DM_ASSIGN(model.rope_base, in.real("rope_base"));
  DM_ASSIGN(model.overhead_bytes, in.integer("overhead_bytes", 0, kMostPlanBytes));
  DM_ASSIGN(model.activation_bytes, in.integer("activation_bytes", 0, kMostPlanBytes));
  return {};
}

Status read_device(const PlanFields& in, PlanDevice& device) {
  DM_ASSIGN(device.name, in.text("name"));
  DM_ASSIGN(device.gpu, in.boolean("gpu"));
  DM_ASSIGN(device.memory_bytes, in.integer("memory_bytes", 0, kMostPlanBytes));
  DM_ASSIGN(device.usable_bytes, in.integer("usable_bytes", 0, kMostPlanBytes));
  DM_ASSIGN(device.bandwidth_gb_per_s, in.real("bandwidth_gb_per_s"));
  return {};
}

Status read_parts(const PlanFields& in, std::vector<PlanPart>& parts) {
  DM_ASSIGN(const json::array* values, in.array("parts"));
  for (size_t i = 0; i < values->size(); ++i) {
    const std::string where = fmt::format("{}[{}]", in.at("parts"), i);
    if (!(*values)[i].is_object()) return PlanFields::wrong(where, "is no object");
    const PlanFields fields((*values)[i].as_object(), where);
    PlanPart part;
    DM_ASSIGN(part.name, fields.text("name"));
    DM_ASSIGN(part.n_bytes, fields.integer("bytes", 0, kMostPlanBytes / static_cast<int64_t>(kMostPlanListed)));
    DM_ASSIGN(part.note, fields.text("note"));
    parts.push_back(std::move(part));
  }
  return {};
}

// Numbers that contradict one another were not written by the planner.
Status check_sums(const PlanFields& in, const PlanChoice& choice) {
  int64_t sum = 0;
  for (const PlanPart& part : choice.parts) sum += part.n_bytes;
  if (sum != choice.total_bytes) {
    return PlanFields::wrong(in.at("total_bytes"),
                             fmt::format("is {}, but its parts sum up to {}", choice.total_bytes, sum));
  }
  const int64_t missing = choice.total_bytes - choice.device.usable_bytes;
  if (missing != choice.missing_bytes) {
    return PlanFields::wrong(in.at("missing_bytes"),
                             fmt::format("is {}, but {} of {} usable bytes are taken", choice.missing_bytes,
                                         choice.total_bytes, choice.device.usable_bytes));
  }
  if (choice.fits != (missing <= 0)) {
    return PlanFields::wrong(in.at("fits"), fmt::format("is {} with {} bytes missing", choice.fits, missing));
  }
  if (choice.context > choice.model.largest_context) {
    return PlanFields::wrong(in.at("context"), fmt::format("is {}, more than the model's {}", choice.context,
                                                           choice.model.largest_context));
  }
  return {};
}

Result<PlanChoice> read_choice(const PlanFields& in) {
  PlanChoice choice;
  DM_ASSIGN(const std::string provider, in.text("provider"));
  const Result<PlanProvider> known = parse_plan_provider(provider);
  if (!known.ok()) return PlanFields::wrong(in.at("provider"), fmt::format("is wrong: {}", known.error().message));
  choice.provider = *known;
  DM_ASSIGN(const PlanFields model, in.object("model"));
  DM_TRY(read_model(model, choice.model));
  DM_ASSIGN(const PlanFields device, in.object("device"));
  DM_TRY(read_device(device, choice.device));
  DM_ASSIGN(choice.weights, in.text("weights"));
  DM_ASSIGN(choice.kv, in.text("kv"));
  DM_ASSIGN(choice.context, in.integer("context", 1, kMostPlanTokens));
  DM_ASSIGN(choice.concurrent, in.integer("concurrent", 1, 65'536));
  DM_ASSIGN(choice.with_rag, in.boolean("with_rag"));
  DM_TRY(read_parts(in, choice.parts));
  DM_ASSIGN(choice.total_bytes, in.integer("total_bytes", 0, kMostPlanBytes));
  DM_ASSIGN(choice.fits, in.boolean("fits"));
  DM_ASSIGN(choice.missing_bytes, in.integer("missing_bytes", -kMostPlanBytes, kMostPlanBytes));
  DM_ASSIGN(choice.decode_tokens_per_s, in.real_if_there("decode_tokens_per_s"));
  DM_ASSIGN(choice.decode_tokens_per_s_empty, in.real_if_there("decode_tokens_per_s_empty"));
  DM_ASSIGN(choice.decode_tokens_per_s_together, in.real_if_there("decode_tokens_per_s_together"));
  DM_ASSIGN(choice.quality, in.texts("quality"));
  DM_ASSIGN(choice.changes, in.texts("changes"));
  DM_ASSIGN(choice.notes, in.texts("notes"));
  DM_TRY(check_sums(in, choice));
  return choice;
}

}  // namespace

json::object plan_to_json(const Plan& plan) {
  json::array options, alternatives;
  for (const PlanChoice& choice : plan.options) options.push_back(choice_json(choice, false));
  for (const PlanChoice& choice : plan.alternatives) alternatives.push_back(choice_json(choice, true));
  return {{"asked", choice_json(plan.asked, true)},
          {"alternatives", std::move(alternatives)},
          {"options", std::move(options)}};
}

Result<PlanChoice> parse_plan(std::string_view json_text) {
  Result<json::value> value = parse_json(json_text, kMostPlanDepth, kMostPlanText);
  if (!value.ok()) return std::move(value).error().with_context("the plan");
  if (!value->is_object()) return Error{ErrorCode::kMalformed, "the plan is no JSON object"};
  const PlanFields whole(value->as_object(), "");
  if (!value->as_object().contains("asked")) return read_choice(whole);
  DM_ASSIGN(const PlanFields asked, whole.object("asked"));
  return read_choice(asked);
}

}  // namespace docmind::control
