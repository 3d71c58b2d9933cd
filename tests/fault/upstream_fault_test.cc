// Other servers at their worst: streams cut at each byte, slow, endless, huge, killed; and clients that walk away.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "providers/upstream.h"
#include "support/upstream_setup.h"

namespace docmind::providers {
namespace {

using namespace docmind::test;

const std::vector<std::string> kPieces = {"Fünf", " Tage \xF0\x9F\x8D\x8E."};
constexpr std::string_view kWhole = "Fünf Tage \xF0\x9F\x8D\x8E.";

bool contains_text(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

struct Dialect {
  UpstreamKind kind;
  std::string chat_path, type, stream;
};

std::vector<Dialect> dialects() {
  return {{UpstreamKind::kLlamaCpp, "/v1/chat/completions", "text/event-stream", llama_cpp_stream({}, kPieces)},
          {UpstreamKind::kVllm, "/v1/chat/completions", "text/event-stream", vllm_stream({}, kPieces)},
          {UpstreamKind::kOllama, "/api/chat", "application/x-ndjson", ollama_stream({}, kPieces)}};
}

// A server of a kind whose chat goes as the script says.
class UpstreamFault : public testing::TestWithParam<size_t> {
 protected:
  UpstreamFault() : dialect_(dialects()[GetParam()]) {
    if (dialect_.kind == UpstreamKind::kLlamaCpp) act_as_llama_cpp(server_, {}, {});
    if (dialect_.kind == UpstreamKind::kVllm) act_as_vllm(server_, {}, {});
    if (dialect_.kind == UpstreamKind::kOllama) act_as_ollama(server_, {}, {});
    options_ = upstream_options(dialect_.kind, server_.url());
  }
  void chat_goes(Script script) { server_.on(dialect_.chat_path, std::move(script)); }
  // The beginning of a stream, in which one piece of text has come.
  [[nodiscard]] std::string begun() const {
    const size_t end = dialect_.stream.find('\n', dialect_.stream.find("Fünf"));
    return dialect_.stream.substr(0, end) + "\n\n";
  }
  // A beginning of kWhole that ends with a whole character.
  static void expect_beginning(const std::string& text) {
    EXPECT_TRUE(kWhole.starts_with(text)) << text;
    EXPECT_TRUE(text.empty() || text == "Fünf" || text == kWhole) << text;
  }

  Dialect dialect_;
  ScriptedServer server_;
  UpstreamOptions options_;
};

TEST_P(UpstreamFault, AStreamThatIsCutAnywhereIsNeverTakenForAWholeOne) {
  const size_t size = dialect_.stream.size();
  std::atomic<size_t> cut{0};
  chat_goes([&](const ScriptedRequest&, ScriptedWire& wire) {
    wire.send(chunked_head(dialect_.type) + chunk_of(dialect_.stream.substr(0, cut)));
    wire.close();
  });
  const auto upstream = open_upstream(options_);
  // A line or event that says how it ended may stand before the rest that is cut off.
  const size_t ended = dialect_.kind == UpstreamKind::kOllama ? dialect_.stream.find("\"done\":true")
                                                              : dialect_.stream.find("\"stop\"");
  for (cut = 0; cut < size; cut += 1 + size / 97) {
    const Said said = chat(*upstream);
    expect_beginning(said.text);
    if (cut < ended) {
      EXPECT_FALSE(said.result.ok()) << cut;
      EXPECT_TRUE(said.failed_with(ErrorCode::kIo) || said.failed_with(ErrorCode::kMalformed)) << said.message();
    }
    if (said.result.ok()) {
      EXPECT_EQ(said.text, kWhole) << cut;
    }
  }
}

TEST_P(UpstreamFault, ACleanEndWithoutTheMarkIsNoAnswerEither) {
  chat_goes([&](const ScriptedRequest&, ScriptedWire& wire) {
    wire.send(chunked_head(dialect_.type) + chunk_of(begun()) + std::string(kLastChunk));
  });
  const Said said = chat(*open_upstream(options_));
  EXPECT_EQ(said.text, "Fünf");
  ASSERT_TRUE(said.failed_with(ErrorCode::kIo)) << said.message();
  EXPECT_TRUE(contains_text(said.message(), "without its end mark")) << said.message();
}

TEST_P(UpstreamFault, BytesMayComeOneByOne) {
  chat_goes([&](const ScriptedRequest&, ScriptedWire& wire) {
    wire.send_in_pieces("HTTP/1.1 200 OK\r\nContent-Type: " + dialect_.type + "\r\n\r\n" + dialect_.stream, 1);
    wire.close();
  });
  const Said said = chat(*open_upstream(options_));
  EXPECT_EQ(said.text, kWhole) << said.message();
}

TEST_P(UpstreamFault, AServerThatStallsIsLeft) {
  options_.stall_timeout_ms = 50;
  chat_goes([&](const ScriptedRequest&, ScriptedWire& wire) {
    wire.send(chunked_head(dialect_.type) + chunk_of(begun()));
    if (wire.wait_for_close()) wire.close();
  });
  const Said said = chat(*open_upstream(options_));
  EXPECT_EQ(said.text, "Fünf");
  EXPECT_TRUE(said.failed_with(ErrorCode::kIo));
  EXPECT_TRUE(contains_text(said.message(), "upstream.stall_timeout_ms")) << said.message();
  EXPECT_TRUE(server_.wait_for_closed(1));
}

TEST_P(UpstreamFault, AServerThatNeverBeginsIsLeft) {
  options_.first_byte_timeout_ms = 300;
  chat_goes([&](const ScriptedRequest&, ScriptedWire& wire) {
    wire.send(chunked_head(dialect_.type) + chunk_of(dialect_.kind == UpstreamKind::kOllama ? "\n" : ": ping\n\n"));
    if (wire.wait_for_close()) wire.close();
  });
  const Said said = chat(*open_upstream(options_));
  EXPECT_TRUE(said.failed_with(ErrorCode::kIo)) << "a sign of life is no answer";
  EXPECT_TRUE(contains_text(said.message(), "upstream.first_byte_timeout_ms")) << said.message();
  EXPECT_TRUE(server_.wait_for_closed(1));
}

TEST_P(UpstreamFault, AStreamWithoutEndIsLeft) {
  options_.largest_answer_bytes = 1 << 20;
  std::atomic<bool> noticed{false};
  chat_goes([&](const ScriptedRequest&, ScriptedWire& wire) {
    wire.send(chunked_head(dialect_.type));
    const std::string chunk = chunk_of(begun());
    while (wire.send(chunk)) {
    }
    noticed = true;
    wire.close();
  });
  const Said said = chat(*open_upstream(options_));
  EXPECT_TRUE(said.failed_with(ErrorCode::kMalformed)) << said.message();
  EXPECT_TRUE(contains_text(said.message(), "1.0 MiB")) << said.message();
  EXPECT_TRUE(server_.wait_for_closed(1));
  EXPECT_TRUE(noticed);
}

TEST_P(UpstreamFault, ALineWithoutEndIsLeft) {
  chat_goes([&](const ScriptedRequest&, ScriptedWire& wire) {
    wire.send("HTTP/1.1 200 OK\r\nContent-Type: " + dialect_.type + "\r\n\r\ndata: ");
    const std::string more(1 << 16, 'a');
    while (wire.send(more)) {
    }
    wire.close();
  });
  EXPECT_TRUE(chat(*open_upstream(options_)).failed_with(ErrorCode::kMalformed));
  EXPECT_TRUE(server_.wait_for_closed(1));
}

TEST_P(UpstreamFault, HeadersWithoutEndAreLeft) {
  chat_goes([&](const ScriptedRequest&, ScriptedWire& wire) {
    wire.send("HTTP/1.1 200 OK\r\n");
    const std::string header = "X-More: " + std::string(1'000, 'a') + "\r\n";
    while (wire.send(header)) {
    }
    wire.close();
  });
  EXPECT_TRUE(chat(*open_upstream(options_)).failed_with(ErrorCode::kMalformed));
  EXPECT_TRUE(server_.wait_for_closed(1));
}

TEST_P(UpstreamFault, AHugePageOfAnErrorIsCut) {
  chat_goes(answer_with(500, std::string(8 << 20, 'x'), "text/plain"));
  const Said said = chat(*open_upstream(options_));
  EXPECT_TRUE(said.failed_with(ErrorCode::kIo));
  EXPECT_LT(said.message().size(), 1'000U);
}

TEST_P(UpstreamFault, WhatHappensAfterTheEndMarkDoesNotMatter) {
  options_.stall_timeout_ms = 50;
  chat_goes([&](const ScriptedRequest&, ScriptedWire& wire) {
    wire.send(chunked_head(dialect_.type) + chunk_of(dialect_.stream));
    if (wire.wait_for_close()) wire.close();
  });
  const Said said = chat(*open_upstream(options_));
  EXPECT_EQ(said.text, kWhole);
  EXPECT_TRUE(said.result.ok()) << said.message();
}

TEST_P(UpstreamFault, CancellingClosesTheConnectionBeforeAndWithinAnAnswer) {
  for (const bool within : {false, true}) {
    CancelToken cancel;
    ScriptedServer server;
    dialect_.kind == UpstreamKind::kOllama ? act_as_ollama(server, {}, {}) : act_as_vllm(server, {}, {});
    server.on(dialect_.chat_path, [&](const ScriptedRequest&, ScriptedWire& wire) {
      if (within) wire.send(chunked_head(dialect_.type) + chunk_of(begun()));
      cancel.cancel();
      if (wire.wait_for_close()) wire.close();
    });
    options_.spec.url = server.url();
    const auto upstream = open_upstream(options_);
    EXPECT_TRUE(chat(*upstream, kShortChat, cancel).failed_with(ErrorCode::kCancelled));
    EXPECT_TRUE(server.wait_for_closed(1)) << "the server sees it";
    EXPECT_EQ(upstream->counts().n_failures, 0);
    EXPECT_EQ(upstream->counts().n_in_flight, 0);
  }
}

TEST_P(UpstreamFault, TriesAgainOnlyWhereItIsSafe) {
  options_.n_retries = 3;
  const Script good = stream_with(dialect_.type, dialect_.stream);
  server_.on(dialect_.chat_path, {answer_with(503, "{}", "application/json", "Retry-After: 0\r\n"),
                                  answer_with(502, "bad gateway", "text/plain"), good});
  const auto upstream = open_upstream(options_);
  EXPECT_EQ(chat(*upstream).text, kWhole);
  EXPECT_EQ(upstream->counts().n_retries, 2);
  server_.on(dialect_.chat_path, {[&](const ScriptedRequest&, ScriptedWire& wire) {
                                    wire.send(chunked_head(dialect_.type) + chunk_of(begun()));
                                    wire.close();
                                  },
                                  good});
  const Said broken = chat(*upstream);
  EXPECT_EQ(broken.text, "Fünf") << "nothing is said twice";
  EXPECT_TRUE(broken.failed_with(ErrorCode::kIo));
  server_.on(dialect_.chat_path, {answer_with(500, R"({"error":"no"})"), good});
  EXPECT_FALSE(chat(*upstream).result.ok());
}

TEST_P(UpstreamFault, TheBreakerOpensAndFindsTheServerAgain) {
  options_.n_failures_to_open = 2;
  options_.open_ms = 30;
  options_.most_open_ms = 60;
  chat_goes([](const ScriptedRequest&, ScriptedWire& wire) { wire.reset(); });
  const auto upstream = open_upstream(options_);
  int n_refused = 0;
  while (n_refused < 3) {
    const Said said = chat(*upstream);
    ASSERT_FALSE(said.result.ok());
    if (!said.failed_with(ErrorCode::kBusy)) continue;
    ++n_refused;
    EXPECT_TRUE(contains_text(said.message(), "left alone")) << said.message();
  }
  EXPECT_GE(upstream->counts().n_refused_by_breaker, 3);
  chat_goes(stream_with(dialect_.type, dialect_.stream));
  while (!chat(*upstream).result.ok()) std::this_thread::yield();
  EXPECT_FALSE(upstream->is_open());
  EXPECT_EQ(chat(*upstream).text, kWhole);
}

TEST_P(UpstreamFault, ManyThreadsAtOnce) {
  chat_goes(stream_with(dialect_.type, dialect_.stream));
  const auto upstream = open_upstream(options_);
  std::atomic<int> n_good{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 10; ++round) n_good += chat(*upstream).text == kWhole ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(n_good, 80);
  EXPECT_LE(server_.n_connections(), 8 + 8) << "a connection for each thread, and some while they began";
  EXPECT_EQ(upstream->counts().n_in_flight, 0);
}

std::string server_name(const testing::TestParamInfo<size_t>& one) {
  return one.param == 0 ? "LlamaCpp" : one.param == 1 ? "Vllm" : "Ollama";
}
INSTANTIATE_TEST_SUITE_P(Servers, UpstreamFault, testing::Values(0, 1, 2), server_name);

}  // namespace
}  // namespace docmind::providers
