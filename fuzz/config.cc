// Fuzzes the loader of config.toml: an error, or values that their own TOML gives back.
// SPDX-License-Identifier: Apache-2.0
#include "base/config.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "fuzz/check.h"

namespace docmind::fuzz {
namespace {

Result<Effective> load(const std::string& path, std::string_view toml) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << toml;
  return load_config({.file_path = path, .env = {}, .flags = {}});
}

void check_toml(const std::string& path, std::string_view toml) {
  const Result<Effective> effective = load(path, toml);
  if (!effective.ok()) {
    const Error& error = effective.error();
    require(error.code == ErrorCode::kInvalidArgument, error.message);
    require(!error.message.empty(), "an error has a message");
    return;
  }
  for (const bool with_origin : {false, true}) {
    const Result<Effective> back = load(path, config_to_toml(*effective, with_origin));
    require(back.ok(), back.ok() ? "" : back.error().message);
    for (const FieldInfo& field : config_fields()) {
      require(get_field(back->config, field.name) == get_field(effective->config, field.name),
              field.name);
    }
  }
}

}  // namespace
}  // namespace docmind::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string path =
      std::filesystem::temp_directory_path() / ("fuzz_config_" + std::to_string(::getpid()));
  docmind::fuzz::check_toml(path, docmind::fuzz::as_text(data, size));
  std::filesystem::remove(path);
  return 0;
}
