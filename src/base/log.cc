// Logger: what happened, on standard error, as text or as JSON lines.
// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "base/json.h"

namespace docmind {
namespace {

// "%*" prints the message as a JSON string, so that a line is always one valid object.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string text =
        json::serialize(json::string(std::string_view(message.payload.data(), message.payload.size())));
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
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
  if (format == "json") {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<JsonMessage>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":%*})");
    logger->set_formatter(std::move(formatter));
  } else {
    logger->set_pattern("docmind: %l: %v");
  }
  return Logger(std::move(logger));
}

Logger Logger::null() {
  return Logger(std::make_shared<spdlog::logger>("null", std::make_shared<spdlog::sinks::null_sink_mt>()));
}

}  // namespace docmind
