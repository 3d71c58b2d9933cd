// Tool calls: found in a text as it comes.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tool_calls.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "tokenizer/tool_json.h"

namespace docmind::tokenizer {
namespace {

constexpr std::string_view kOpen = "<tool_call>";
constexpr std::string_view kClose = "</tool_call>";
constexpr std::string_view kWhite = " \t\r\n";
constexpr size_t kMaxCallDepth = 64;
constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxDeclarationBytes = size_t{1} << 20;

// Length of the longest end of `text` that a longer `mark` begins with.
size_t n_begun_of(std::string_view text, std::string_view mark) {
  size_t n = std::min(text.size(), mark.size() - 1);
  while (n > 0 && !text.ends_with(mark.substr(0, n))) --n;
  return n;
}

bool is_name(std::string_view name) {
  constexpr std::string_view kCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  return !name.empty() && name.size() <= kMaxNameBytes &&
         name.find_first_not_of(kCharacters) == std::string_view::npos;
}

// {"name", "arguments"} or {"name", "parameters"}. Some models write the arguments as a text that holds JSON.
std::optional<ToolCall> read_call(std::string_view text) {
  const Result<json::value> value = parse_json(text, kMaxCallDepth, text.size());
  if (!value.ok() || !value->is_object()) return std::nullopt;
  const json::object& call = value->get_object();
  const json::value* name = call.if_contains("name");
  if (name == nullptr || !name->is_string() || name->get_string().empty()) return std::nullopt;
  ToolCall made{.name = std::string(name->get_string()), .arguments = "{}"};
  for (const std::string_view key : {"arguments", "parameters"}) {
    const json::value* arguments = call.if_contains(key);
    if (arguments == nullptr) continue;
    if (arguments->is_object()) {
      made.arguments = member_text(text, key);
      return made;
    }
    if (!arguments->is_string()) return std::nullopt;
    made.arguments = arguments->get_string();
    const Result<json::value> inner = parse_json(made.arguments, kMaxCallDepth, made.arguments.size());
    return inner.ok() && inner->is_object() ? std::optional(made) : std::nullopt;
  }
  return made;
}

}  // namespace

ToolCallParser::ToolCallParser(ChatFamily family, std::vector<std::string> names)
    : tagged_(family != ChatFamily::kLlama3),
      names_(std::move(names)),
      state_(supports_tools(family) ? State::kText : State::kPlain) {}

// White space is shown once it is known that no call stands beside it.
void ToolCallParser::show(std::string_view text, Parts& parts) {
  const size_t begin = text.find_first_not_of(kWhite);
  if (begin == std::string_view::npos) {
    space_ += text;
    return;
  }
  const size_t end = text.find_last_not_of(kWhite) + 1;
  if (!after_call_) parts.text += space_;
  else text.remove_prefix(begin);
  parts.text += text.substr(0, after_call_ ? end - begin : end);
  space_ = text.substr(after_call_ ? end - begin : end);
  after_call_ = false;
}

void ToolCallParser::end_call(std::string_view body, std::string_view as_written, Parts& parts) {
  std::optional<ToolCall> call = read_call(trim(body));
  if (!call) return show(as_written, parts);
  parts.calls.push_back(std::move(*call));
  space_.clear();
  after_call_ = true;
}

void ToolCallParser::feed_tagged(Parts& parts) {
  for (;;) {
    if (state_ == State::kText) {
      const size_t open = held_.find(kOpen);
      const size_t n_shown = open == std::string::npos ? held_.size() - n_begun_of(held_, kOpen) : open;
      show(std::string_view(held_).substr(0, n_shown), parts);
      held_.erase(0, n_shown);
      if (open == std::string::npos) return;
      state_ = State::kCall;
    }
    const size_t close = held_.find(kClose, kOpen.size());
    if (close == std::string::npos) return;
    const std::string written = held_.substr(0, close + kClose.size());
    held_.erase(0, written.size());
    state_ = State::kText;
    end_call(std::string_view(written).substr(kOpen.size(), close - kOpen.size()), written, parts);
  }
}

ToolCallParser::Parts ToolCallParser::feed(std::string_view piece) {
  Parts parts;
  if (state_ == State::kPlain) {
    parts.text = piece;
    return parts;
  }
  held_ += piece;
  if (tagged_) {
    feed_tagged(parts);
    return parts;
  }
  // One that does not begin with a brace is no call.
  const size_t begin = held_.find_first_not_of(kWhite);
  if (begin == std::string::npos || held_[begin] == '{') return parts;
  state_ = State::kPlain;
  parts.text = std::exchange(held_, {});
  return parts;
}

ToolCallParser::Parts ToolCallParser::finish() {
  Parts parts;
  const std::string rest = std::exchange(held_, {});
  if (tagged_ && state_ == State::kCall) {
    end_call(std::string_view(rest).substr(kOpen.size()), rest, parts);
  } else if (!tagged_ && state_ == State::kText) {
    std::optional<ToolCall> call = read_call(trim(rest));
    const bool known = call && (names_.empty() || std::ranges::find(names_, call->name) != names_.end());
    if (known) parts.calls.push_back(std::move(*call));
    else parts.text = rest;
  } else if (!rest.empty()) {
    show(rest, parts);
  }
  if (!after_call_) parts.text += space_;
  space_.clear();
  state_ = State::kPlain;
  return parts;
}

ToolCallParser::Parts parse_tool_calls(ChatFamily family, std::string_view text, std::vector<std::string> names) {
  ToolCallParser parser(family, std::move(names));
  ToolCallParser::Parts parts = parser.feed(text);
  ToolCallParser::Parts rest = parser.finish();
  parts.text += rest.text;
  std::move(rest.calls.begin(), rest.calls.end(), std::back_inserter(parts.calls));
  return parts;
}

Result<std::vector<std::string>> tool_names(std::span<const std::string> tools) {
  std::vector<std::string> names;
  for (size_t i = 0; i < tools.size(); ++i) {
    const auto wrong = [&](std::string_view what) {
      return Error{ErrorCode::kInvalidArgument, fmt::format("tool {} {}", i + 1, what)};
    };
    const Result<json::value> value = parse_json(tools[i], kMaxCallDepth, kMaxDeclarationBytes);
    if (!value.ok()) return wrong("is no JSON: " + value.error().message);
    if (!value->is_object()) return wrong("is no JSON object");
    const json::value* function = value->get_object().if_contains("function");
    const bool wrapped = function != nullptr && function->is_object();
    const json::object& holder = wrapped ? function->get_object() : value->get_object();
    const json::value* name = holder.if_contains("name");
    if (name == nullptr || !name->is_string()) return wrong("has no name");
    const std::string_view text = name->get_string();
    if (!is_name(text)) {
      return wrong(fmt::format("is named '{}'; names have 1 to {} letters, digits, '_', '-' and '.'", printable(text),
                               kMaxNameBytes));
    }
    names.emplace_back(text);
  }
  return names;
}

}  // namespace docmind::tokenizer
