// Oracle through node and oracle/oracle.mjs: a line of JSON each way.
// SPDX-License-Identifier: Apache-2.0
#include "parity/oracle.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include <fmt/format.h>

namespace docmind::test {
namespace {

constexpr const char* kFolder = DOCMIND_SOURCE_DIR "/tests/parity/oracle";

// "node", or Debian's old name for it, in the PATH; empty when there is none.
std::string find_node() {
  const char* path = ::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/usr/bin";
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    for (const char* name : {"node", "nodejs"}) {
      std::string program = fmt::format("{}/{}", folder, name);
      if (::access(program.c_str(), X_OK) == 0) return program;
    }
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
  }
  return {};
}

json::array as_array(Oracle::Ids values) { return json::array(values.begin(), values.end()); }

template <typename T>
std::vector<T> numbers(const json::value& list) {
  std::vector<T> values;
  for (const json::value& item : list.as_array()) values.push_back(item.to_number<T>());
  return values;
}

}  // namespace

std::optional<std::string> Oracle::missing() {
#if !defined(__x86_64__)
  return "node-llama-cpp is pinned for x86-64 only";
#else
  if (find_node().empty()) return "no 'node' in the PATH; './scripts/setup.sh test' installs it";
  const std::string package = fmt::format("{}/node_modules/@node-llama-cpp/linux-x64", kFolder);
  if (!std::filesystem::exists(package)) {
    return fmt::format("'{}' is missing; './scripts/setup.sh test' installs it", package);
  }
  return std::nullopt;
#endif
}

Oracle::Oracle() {
  ProcessOptions options;
  options.argv = {find_node(), fmt::format("{}/oracle.mjs", kFolder)};
  options.env = {{"PATH", "/usr/bin:/bin"}, {"LANG", "C.UTF-8"}};
  options.keep_input = true;
  options.timeout_s = 280;  // below that of the test, whose failure would say less
  process_ = std::make_unique<Process>(options);
}

json::object Oracle::ask(json::object request) {
  request["kv"] = "f32";
  request["flash"] = false;
  process_->write(json::serialize(request) + "\n");
  while (const std::optional<std::string> line = process_->read_line()) {
    if (!line->starts_with('{')) continue;  // llama.cpp prints there as well
    json::object answer = json::parse(*line).as_object();
    if (const json::value* error = answer.if_contains("error")) {
      throw std::runtime_error(fmt::format("oracle: {}", error->as_string().c_str()));
    }
    return answer;
  }
  process_->close_input();
  throw std::runtime_error("the oracle gave no answer; it said: " + process_->wait().err);
}

void Oracle::load(const std::string& path, bool vocabulary_only) {
  ask({{"op", "load"}, {"model", path}, {"vocabulary_only", vocabulary_only}});
}

std::vector<int32_t> Oracle::tokenize(std::string_view text, bool special) {
  return numbers<int32_t>(ask({{"op", "tokenize"}, {"text", text}, {"special", special}}).at("tokens"));
}

std::vector<double> Oracle::logits(Ids tokens, Ids positions) {
  const json::object answer =
      ask({{"op", "logits"}, {"tokens", as_array(tokens)}, {"positions", as_array(positions)}});
  std::vector<double> all;
  for (const json::value& row : answer.at("rows").as_array()) {
    const std::vector<double> values = numbers<double>(row);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

std::vector<int32_t> Oracle::greedy(Ids tokens, int64_t n) {
  return numbers<int32_t>(ask({{"op", "greedy"}, {"tokens", as_array(tokens)}, {"n", n}}).at("tokens"));
}

std::vector<double> Oracle::embed(Ids tokens) {
  return numbers<double>(ask({{"op", "embed"}, {"tokens", as_array(tokens)}}).at("vector"));
}

double Oracle::rank(Ids tokens) {
  return ask({{"op", "rank"}, {"tokens", as_array(tokens)}}).at("score").to_number<double>();
}

void ParityTest::SetUp() {
  if (const std::optional<std::string> reason = Oracle::missing()) {
    if (::getenv("DOCMIND_REQUIRE_ORACLE") != nullptr) FAIL() << *reason;
    GTEST_SKIP() << *reason;
  }
  oracle_.emplace();
}

}  // namespace docmind::test
