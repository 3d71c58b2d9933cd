// docmind run: a plain chat with a language model on the terminal.
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <iostream>
#include <iterator>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/chat.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/interrupts.h"
#include "cli/load_models.h"

namespace docmind::cli {
namespace {

constexpr double kChatTemperature = 0.7;  // a conversation without any chance runs in circles

constexpr const char* kChatHelp =
    "/clear forgets the conversation, /exit or Ctrl-D leaves, Ctrl-C stops an answer\n";

class RunCommand final : public Command {
 public:
  CLI::App* declare(CLI::App& app, FieldFlags& fields) override {
    CLI::App* sub = app.add_subcommand(
        "run", "Chat with a language model on the terminal. With a PROMPT, or when standard input is "
               "no terminal, one answer is given. /clear forgets the conversation, /exit leaves; "
               "Ctrl-C stops the current answer, a second one leaves.");
    sub->add_option("MODEL", model_, "A GGUF file, or the name of a pulled model")->required();
    sub->add_option("PROMPT", words_, "What to say; several words need no quotes");
    sub->add_option("--system", system_, "Instructions that come before the conversation")->type_name("TEXT");
    sub->add_flag("--stats", stats_, "Print tokens and rates of each answer on standard error");
    add_generation_flags(*sub, fields);
    return sub;
  }

  int run(Session& session) override {
    Result<std::shared_ptr<engine::TextModel>> model = load_text_model(session, model_);
    if (!model.ok()) return fail(session, model.error());
    Chat chat(**model, settings(session));
    AnswerInterrupt interrupt(session.cancel);
    if (!words_.empty()) {
      std::string prompt;
      for (const std::string& word : words_) prompt += (prompt.empty() ? "" : " ") + word;
      return answer(session, chat, interrupt, prompt);
    }
    if (::isatty(STDIN_FILENO) == 1) return converse(session, chat, interrupt);
    const std::string prompt{std::istreambuf_iterator<char>(std::cin), {}};
    if (trim(prompt).empty()) {
      return fail(session, Error{ErrorCode::kInvalidArgument, "there is nothing to answer on standard input"});
    }
    return answer(session, chat, interrupt, trim(prompt));
  }

 private:
  ChatSettings settings(const Session& session) const {
    const Config& config = session.config();
    ChatSettings chat{.system = system_,
                      .generate = {.sampling = sampling_options(config),
                                   .max_tokens = config.model.max_tokens},
                      .thinking = config.model.thinking};
    const bool is_set = session.effective.origins.contains("model.temperature");
    if (!is_set) chat.generate.sampling.temperature = kChatTemperature;
    return chat;
  }

  int converse(Session& session, Chat& chat, AnswerInterrupt& interrupt) {
    const Terminal& terminal = session.terminal;
    terminal.out(terminal.styled(Style::kDim, kChatHelp));
    std::string line;
    while (!session.cancel.cancelled() && terminal.out_error() == 0) {
      terminal.out(terminal.styled(Style::kBold, "> "));
      terminal.flush();
      // A terminal gives one line at a time, so none is left in a buffer.
      if (!interrupt.wait_for_input(STDIN_FILENO) || !std::getline(std::cin, line)) break;
      const std::string_view message = trim(line);
      if (message == "/exit" || message == "/bye" || message == "/quit") return kExitOk;
      if (message == "/clear") {
        chat.clear();
        terminal.note("the conversation is forgotten");
      } else if (message.starts_with('/')) {
        terminal.note(fmt::format("there is no {}; {}", printable(message), trim(kChatHelp)));
      } else if (!message.empty()) {
        // What went wrong with one message need not end the conversation.
        answer(session, chat, interrupt, message);
      }
    }
    terminal.out("\n");
    terminal.flush();
    return session.cancel.cancelled() ? kExitInterrupted : kExitOk;
  }

  int answer(Session& session, Chat& chat, AnswerInterrupt& interrupt, std::string_view message) {
    const Terminal& terminal = session.terminal;
    const ChatSink sink = [&](bool thought, std::string_view piece) {
      if (!thought) terminal.out(piece);
      else if (terminal.out_is_tty()) terminal.out(terminal.styled(Style::kDim, piece));
      terminal.flush();
      return terminal.out_error() == 0;
    };
    const Result<Chat::Turn> turn = chat.say(message, sink, interrupt.begin());
    interrupt.end();
    if (!turn.ok()) return fail(session, turn.error());
    terminal.out("\n");
    terminal.flush();
    const engine::Generation& made = turn->generation;
    if (turn->n_forgotten > 0) {
      terminal.note(fmt::format("the context is full; {} left out from now on",
                                format_count(static_cast<int64_t>(turn->n_forgotten), "earlier turn")));
    }
    if (made.finish == engine::FinishReason::kLength) {
      terminal.note(fmt::format("stopped after {}; model.max_tokens or the context allow no more",
                                format_count(made.n_completion_tokens, "token")));
    }
    if (stats_) terminal.note(stats_line(made));
    return made.finish == engine::FinishReason::kCancelled ? kExitInterrupted : kExitOk;
  }

  static std::string stats_line(const engine::Generation& made) {
    return fmt::format("{} at {:.1f} tokens/s; prompt of {}, {} of them known, at {:.1f} tokens/s; first "
                       "token after {}",
                       format_count(made.n_completion_tokens, "token"), made.decode_tps(),
                       format_count(made.n_prompt_tokens, "token"), format_count(made.n_reused_tokens),
                       made.prefill_tps(), format_ms(made.first_token_ms));
  }

  std::string model_;
  std::vector<std::string> words_;
  std::string system_;
  bool stats_ = false;
};

}  // namespace

std::unique_ptr<Command> make_run_command() { return std::make_unique<RunCommand>(); }

}  // namespace docmind::cli
