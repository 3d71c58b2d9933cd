// Logger: what happened, on standard error, as text or as JSON lines.
// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "base/json.h"
#include "base/text.h"

namespace docmind {
namespace {

// "%*" prints the message without control characters, or as a JSON string: whatever a file name in
// it holds, a message is one line, and a JSON line is one valid object.
class SafeMessage final : public spdlog::custom_flag_formatter {
 public:
  explicit SafeMessage(bool as_json) : as_json_(as_json) {}
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string_view payload(message.payload.data(), message.payload.size());
    const std::string text =
        as_json_ ? json::serialize(json::string(to_valid_utf8(payload))) : printable(payload);
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<SafeMessage>(as_json_);
  }

 private:
  bool as_json_;
};

}  // namespace

Result<Logger> Logger::make(std::string_view level, std::string_view format) {
  const std::string name(level);
  const auto parsed = spdlog::level::from_str(name);
  if (parsed == spdlog::level::off && name != "off") {
    return Error{ErrorCode::kInvalidArgument,
                 "unknown log level '" + name + "'; use trace, debug, info, warn, error or off"};
  }
  auto logger = std::make_shared<spdlog::logger>(
      "docmind", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(parsed);
  const bool as_json = format == "json";
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<SafeMessage>('*', as_json)
      .set_pattern(as_json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":%*})"
                           : "docmind: %l: %*");
  logger->set_formatter(std::move(formatter));
  return Logger(std::move(logger));
}

Logger Logger::null() {
  return Logger(std::make_shared<spdlog::logger>("null", std::make_shared<spdlog::sinks::null_sink_mt>()));
}

}  // namespace docmind
