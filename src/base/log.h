// Logger: what happened, on standard error, as text or as JSON lines.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <spdlog/logger.h>

#include "base/error.h"

namespace docmind {

// Copies share one sink; any thread may log. Not registered globally: whoever logs was handed one.
class Logger {
 public:
  // `level` is trace, debug, info, warn, error or off; `format` is text or json.
  static Result<Logger> make(std::string_view level, std::string_view format);
  // Drops everything.
  static Logger null();

  template <typename... Args>
  void debug(spdlog::format_string_t<Args...> format, Args&&... args) const {
    logger_->debug(format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void info(spdlog::format_string_t<Args...> format, Args&&... args) const {
    logger_->info(format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void warn(spdlog::format_string_t<Args...> format, Args&&... args) const {
    logger_->warn(format, std::forward<Args>(args)...);
  }

 private:
  explicit Logger(std::shared_ptr<spdlog::logger> logger) : logger_(std::move(logger)) {}
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace docmind
