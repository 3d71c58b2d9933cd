// Configurations from hostile plans: whatever names, paths and notes hold, no line is added and every value comes back
// from the reader of its form as it was.
// SPDX-License-Identifier: Apache-2.0
#include "providers/config_writer.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "base/text.h"
#include "providers/config_text.h"
#include "support/config_text.h"
#include "support/sample_plan.h"

namespace docmind::providers {
namespace {

using control::PlanProvider;

// Text of what quoting, comments and line ends are made of.
rc::Gen<std::string> nasty_text(bool printable_only) {
  std::vector<std::string> parts = {"a", "B7", " ", "'", "\"", "\\", "$",  "`", "%", "%%", "#",    "=", ";", "&", "|",
                                    "$(", ")", "{", "}", "~",  "*",  "--", "é", "/", ":",  "\\n", ",", "!", "<", ">"};
  if (!printable_only) {
    parts.insert(parts.end(), {"\n", "\r\n", "\t", "\x01", "\x1b[2J", "\xff", "\x7f", "\n[Service]\n"});
  }
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(std::move(parts))),
                      [](const std::vector<std::string>& words) {
                        std::string text;
                        for (const std::string& word : words) text += word;
                        return text;
                      });
}

// The one word that a POSIX shell makes of `text`; single quotes and \' are all that may stand there.
std::string read_shell_word(std::string_view text) {
  std::string word;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\'') quoted = !quoted;
    else if (!quoted && text[i] == '\\') word += text[++i];
    else if (quoted || std::isalnum(static_cast<unsigned char>(text[i])) ||
             std::string_view("_-./:,@+=").find(text[i]) != std::string_view::npos) word += text[i];
    else RC_FAIL("a shell would act on " + std::string(1, text[i]));
  }
  RC_ASSERT(!quoted);
  return word;
}

// systemd's rules of an EnvironmentFile: 'as it is', "with \ before " \ $ `".
std::string read_env_value(std::string_view text) {
  if (text.empty()) return {};
  if (text[0] == '\'') {
    RC_ASSERT(text.size() >= 2 && text.find('\'', 1) == text.size() - 1);
    return std::string(text.substr(1, text.size() - 2));
  }
  std::string value;
  const bool quoted = text[0] == '"';
  for (size_t i = quoted ? 1 : 0; i < text.size(); ++i) {
    if (quoted && text[i] == '"') {
      RC_ASSERT(i + 1 == text.size());
      return value;
    }
    if (quoted && text[i] == '\\') ++i;
    else RC_ASSERT(std::string_view("$`").find(text[i]) == std::string_view::npos);
    value += text[i];
  }
  RC_ASSERT(!quoted);
  return value;
}

// systemd's unquoting of a unit's value, then its specifiers and variables.
std::string read_unit_word(std::string_view text, bool command) {
  std::string unquoted;
  const bool quoted = text.starts_with('"');
  if (quoted) RC_ASSERT(text.size() >= 2 && text.ends_with('"'));
  const std::string_view inner = quoted ? text.substr(1, text.size() - 2) : text;
  for (size_t i = 0; i < inner.size(); ++i) {
    RC_ASSERT(inner[i] != '"' && (quoted || (inner[i] != ' ' && inner[i] != '\'')));
    if (inner[i] == '\\') {
      ++i;
      RC_ASSERT(i < inner.size() && (inner[i] == '\\' || inner[i] == '"'));
    }
    unquoted += inner[i];
  }
  std::string word;
  for (size_t i = 0; i < unquoted.size(); ++i) {
    word += unquoted[i];
    if (unquoted[i] == '%' || (command && unquoted[i] == '$')) {
      RC_ASSERT(i + 1 < unquoted.size() && unquoted[i + 1] == unquoted[i]);
      ++i;
    }
  }
  return word;
}

TEST(ConfigWriterProperty, ValuesComeBackFromEveryForm) {
  EXPECT_TRUE(rc::check("quoting", [] {
    const std::string value = *nasty_text(true);
    RC_ASSERT(read_shell_word(shell_word(value)) == value);
    RC_ASSERT(read_env_value(env_file_value(value)) == value);
    RC_ASSERT(read_unit_word(systemd_word(value, true), true) == value);
    RC_ASSERT(read_unit_word(systemd_word(value, false), false) == value);
  }));
}

TEST(ConfigWriterProperty, CommentsAreCommentsAndNeverContinue) {
  EXPECT_TRUE(rc::check("comments", [] {
    const std::string text = *nasty_text(false) + *rc::gen::element<std::string>("", "\\", "\\\\");
    for (const std::string& line : test::lines_of(config_comment(text, 2))) {
      RC_ASSERT(line.starts_with("  # ") && !line.ends_with('\\'));
      RC_ASSERT(is_valid_utf8(line));
      RC_ASSERT(std::none_of(line.begin(), line.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
      }));
    }
  }));
}

control::PlanChoice hostile_plan(PlanProvider provider) {
  control::PlanChoice plan = test::sample_plan(provider);
  plan.model.name = *nasty_text(false);
  plan.model.architecture = *nasty_text(false);
  plan.device.name = *nasty_text(false);
  plan.notes = {*nasty_text(false)};
  plan.quality = plan.changes = plan.notes;
  plan.parts[0].note = *nasty_text(false);
  return plan;
}

// What starts each line that is no comment; values may differ, lines may not.
std::vector<std::string> heads_of(const std::string& text) {
  std::vector<std::string> heads;
  for (const std::string& line : test::setting_lines(text)) heads.push_back(line.substr(0, line.find_first_of("= ")));
  return heads;
}

void check_no_line_is_added(PlanProvider provider, ConfigForm form) {
  ConfigWriterOptions options{.form = form, .model_path = *rc::gen::element<std::string>("/m/a.gguf", "a b.gguf")};
  if (provider == PlanProvider::kVllm) options.model_path = "me/model";
  const std::vector<std::string> expected = heads_of(test::config_of(test::sample_plan(provider), provider, options));
  control::PlanChoice plan = hostile_plan(provider);
  const Result<WrittenConfig> written = write_config(plan, provider, options);
  if (!written.ok()) RC_FAIL(written.error().message);
  RC_ASSERT(heads_of(written->text) == expected);
  // Values of the plan's own: refused, or one line as before.
  plan.model.file = *nasty_text(false);
  plan.model.ollama = *nasty_text(false);
  plan.model.hugging_face = *nasty_text(false);
  plan.weights = *rc::gen::oneOf(nasty_text(false), rc::gen::just(std::string("Q4_K_M")));
  options.model_path = "";
  const Result<WrittenConfig> own = write_config(plan, provider, options);
  if (own.ok()) RC_ASSERT(heads_of(own->text) == expected);
  else RC_ASSERT(own.error().code == ErrorCode::kInvalidArgument);
  options.model_path = *nasty_text(false);
  options.extra = {"--alias=" + *nasty_text(false)};
  const Result<WrittenConfig> chosen = write_config(plan, provider, options);
  if (chosen.ok()) RC_ASSERT(heads_of(chosen->text).size() <= expected.size() + 1);
}

TEST(ConfigWriterProperty, HostilePlansAddNoLine) {
  EXPECT_TRUE(rc::check("lines", [] {
    const auto provider = *rc::gen::element(PlanProvider::kOllama, PlanProvider::kLlamaCpp, PlanProvider::kVllm);
    for (const ConfigForm form : {ConfigForm::kShell, ConfigForm::kEnv, ConfigForm::kSystemd, ConfigForm::kModelfile}) {
      if (form == ConfigForm::kModelfile && provider != PlanProvider::kOllama) continue;
      check_no_line_is_added(provider, form);
    }
  }));
}

}  // namespace
}  // namespace docmind::providers
