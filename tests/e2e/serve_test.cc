// docmind serve as people run it: asking, uploading, keys, tenants, signals.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "support/http_client.h"
#include "support/model_writer.h"
#include "support/sample_docs.h"
#include "support/served.h"

namespace docmind::test {
namespace {

json::value body_of(const HttpReply& reply) {
  boost::system::error_code bad;
  json::value value = json::parse(reply.body, bad);
  EXPECT_FALSE(bad) << reply.status << " " << reply.body;
  return value;
}

json::value ask(HttpClient& client, const std::string& question, const HttpHeaders& headers = {}) {
  const HttpReply reply = client.post("/v1/rag/query", json::serialize(json::object{{"question", question}}), headers);
  EXPECT_EQ(reply.status, 200) << reply.body;
  return body_of(reply);
}

HttpReply upload(HttpClient& client, const std::string& name, const std::string& bytes, HttpHeaders headers = {}) {
  const std::string body = fmt::format(
      "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n"
      "Content-Type: application/octet-stream\r\n\r\n{}\r\n--edge--\r\n", name, bytes);
  headers.emplace_back("Content-Type", "multipart/form-data; boundary=edge");
  return client.request("POST", "/v1/documents", headers, body);
}

// Until background indexing has nothing left to do.
void wait_indexed(HttpClient& client, const HttpHeaders& headers = {}) {
  for (int i = 0; i < 600; ++i) {
    const json::value job = body_of(client.get("/v1/index", headers));
    if (number(job, "job") > 0 && !job.at("running").as_bool() && !job.at("queued").as_bool()) return;
    ::usleep(50'000);
  }
  ADD_FAILURE() << "indexing did not end";
}

TEST(Serve, AnswersFromTheIndexedDocumentsAndFromTheCache) {
  Sandbox box;
  write_sample_docs(box);
  box.index();
  const Served served(box);
  HttpClient client(served.port());
  const json::value answer = ask(client, "How many kilograms does the pump weigh?");
  EXPECT_TRUE(contains(text(answer, "answer"), "forty kilograms")) << text(answer, "answer");
  EXPECT_EQ(text(answer, "cache"), "miss");
  ASSERT_FALSE(list(answer, "citations").empty());
  const json::value citation = list(answer, "citations")[0];
  // The citation opens its passage.
  const json::value source = body_of(client.get("/v1/documents/" + text(citation, "document_id")));
  EXPECT_TRUE(contains(json::serialize(source.at("passages")), "forty kilograms"));
  const json::value again = ask(client, "How many kilograms does the pump weigh?");
  EXPECT_EQ(text(again, "cache"), "memory");
  EXPECT_EQ(text(again, "answer"), text(answer, "answer"));
  // The command line sees the same cache.
  EXPECT_EQ(text(box.json_of({"ask", "--json", "How many kilograms does the pump weigh?"}), "cache"), "disk");
}

TEST(Serve, AChangedDocumentIsNotAnsweredFromTheCache) {
  Sandbox box;
  box.doc("pump.md", "# Pump\n\nThe pump weighs forty kilograms.\n");
  box.index();
  const Served served(box);
  HttpClient client(served.port());
  EXPECT_TRUE(contains(text(ask(client, "How many kilograms does the pump weigh?"), "answer"), "forty"));
  EXPECT_EQ(text(ask(client, "How many kilograms does the pump weigh?"), "cache"), "memory");
  box.doc("pump.md", "# Pump\n\nThe pump weighs fifty kilograms.\n");
  box.index();  // another process
  const json::value answer = ask(client, "How many kilograms does the pump weigh?");
  EXPECT_TRUE(contains(text(answer, "answer"), "fifty")) << text(answer, "answer");
  EXPECT_EQ(text(answer, "cache"), "miss");
}

TEST(Serve, StreamsAnAnswer) {
  Sandbox box;
  write_sample_docs(box);
  box.index();
  const Served served(box);
  HttpClient client(served.port());
  ASSERT_TRUE(client.send_request("POST", "/v1/rag/query", {{"Content-Type", "application/json"}},
                                  R"({"question": "When do unused leave days expire?", "stream": true})"));
  const HttpReply head = client.read_head();
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(contains(head.header("content-type"), "text/event-stream"));
  std::string streamed;
  json::value answer;
  while (const auto event = client.next_event()) {
    const json::value data = json::parse(event->data);
    if (event->event == "delta") streamed += text(data, "text");
    if (event->event == "answer") answer = data;
  }
  ASSERT_TRUE(answer.is_object());
  EXPECT_EQ(streamed, text(answer, "answer"));
  EXPECT_TRUE(contains(streamed, "March"));
}

TEST(Serve, StartsEmptyTakesAnUploadAndDropsItAgain) {
  Sandbox box;
  const Served served(box);
  HttpClient client(served.port());
  const HttpReply nothing = client.post("/v1/rag/query", R"({"question": "How many kilograms does the pump weigh?"})");
  EXPECT_TRUE(nothing.status == 404 || nothing.status == 200) << nothing.status << nothing.body;
  EXPECT_TRUE(contains(nothing.body, "document")) << nothing.body;
  const HttpReply taken = upload(client, "pump.md", "# Pump\n\nThe pump weighs forty kilograms.\n");
  ASSERT_EQ(taken.status, 202) << taken.body;
  const json::value document = list(body_of(taken), "data")[0];
  wait_indexed(client);
  const json::value answer = ask(client, "How many kilograms does the pump weigh?");
  EXPECT_TRUE(contains(text(answer, "answer"), "forty kilograms"));
  ASSERT_FALSE(list(answer, "citations").empty());
  EXPECT_EQ(text(list(answer, "citations")[0], "name"), "pump.md");
  EXPECT_EQ(client.request("DELETE", "/v1/documents/" + text(document, "id")).status, 200);
  wait_indexed(client);
  EXPECT_TRUE(list(body_of(client.get("/v1/documents")), "data").empty());
  const std::string afterwards =
      client.post("/v1/rag/query", R"({"question": "How many kilograms does the pump weigh?"})").body;
  EXPECT_FALSE(contains(afterwards, "forty")) << afterwards;
}

TEST(Serve, NamesOfUploadsStayInTheirFolder) {
  Sandbox box;
  const Served served(box);
  HttpClient client(served.port());
  for (const char* name : {"../../../evil.md", "/etc/evil.md", "..\\\\evil.md", ".hidden.md", "a/b/../../evil.md"}) {
    const HttpReply reply = upload(client, name, "# Evil\n\nNothing.\n");
    EXPECT_TRUE(reply.status == 202 || reply.status == 400) << name << reply.status << reply.body;
  }
  EXPECT_EQ(upload(client, "program.exe", "MZ").status, 400);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(box.folder.path())) {
    const std::string path = entry.path().string();
    if (path.find("evil") == std::string::npos) continue;
    EXPECT_TRUE(path.starts_with(box.store() + "/uploads/")) << path;
  }
}

TEST(Serve, KeysAreTenantsThatSeeTheirOwnOnly) {
  Sandbox box;
  box.env["DOCMIND_API_KEYS"] = "anna-key-0123456789:anna,ben-key-0123456789:ben";
  const Served served(box);
  HttpClient client(served.port());
  EXPECT_EQ(client.get("/v1/documents").status, 401);
  EXPECT_EQ(client.get("/v1/documents", {{"Authorization", "Bearer wrong"}}).status, 401);
  EXPECT_EQ(client.get("/health").status, 200);
  const HttpHeaders anna{{"Authorization", "Bearer anna-key-0123456789"}};
  const HttpHeaders ben{{"X-Api-Key", "ben-key-0123456789"}};
  ASSERT_EQ(upload(client, "secret.md", "# Secret\n\nThe safe opens with four turns.\n", anna).status, 202);
  wait_indexed(client, anna);
  EXPECT_TRUE(contains(text(ask(client, "How does the safe open?", anna), "answer"), "four turns"));
  EXPECT_TRUE(list(body_of(client.get("/v1/documents", ben)), "data").empty());
  EXPECT_FALSE(contains(client.post("/v1/rag/query", R"({"question": "How does the safe open?"})", ben).body, "turns"));
}

TEST(Serve, ASignalReloadsKeys) {
  Sandbox box;
  const std::string keys = box.folder.path("keys");
  const auto write_keys = [&](const std::string& text) {
    std::ofstream(keys) << text;
    std::filesystem::permissions(keys, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  };
  write_keys("first-key-0123456789\n");
  Served served(box, {"--keys-file", keys});
  HttpClient client(served.port());
  EXPECT_EQ(client.get("/v1/models", {{"X-Api-Key", "first-key-0123456789"}}).status, 200);
  write_keys("second-key-0123456789 # new\n");
  served.process().kill(SIGHUP);
  ASSERT_TRUE(served.process().wait_for("API keys were read again"));
  EXPECT_EQ(client.get("/v1/models", {{"X-Api-Key", "first-key-0123456789"}}).status, 401);
  EXPECT_EQ(client.get("/v1/models", {{"X-Api-Key", "second-key-0123456789"}}).status, 200);
  write_keys("bad tenant!!! x y z\n");
  served.process().kill(SIGHUP);
  ASSERT_TRUE(served.process().wait_for("old API keys stay"));
  EXPECT_EQ(client.get("/v1/models", {{"X-Api-Key", "second-key-0123456789"}}).status, 200);
}

TEST(Serve, AnAddressForOthersNeedsKeys) {
  Sandbox box;
  const ProcessResult refused = box.run({"serve", "--port", "0", "--address", "0.0.0.0"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_TRUE(contains(refused.err, "--insecure")) << refused.err;
  box.env["DOCMIND_API_KEYS"] = "some-key-0123456789";
  const Served served(box, {"--address", "0.0.0.0"});
  EXPECT_FALSE(served.url().empty());
}

TEST(Serve, APortThatIsTakenIsNamed) {
  Sandbox box;
  const Served served(box);
  Sandbox other;
  const ProcessResult refused = other.run({"serve", "--port", std::to_string(served.port())});
  EXPECT_NE(refused.code, 0);
  EXPECT_TRUE(contains(refused.err, std::to_string(served.port()))) << refused.err;
}

TEST(Serve, StopsWellOnCtrlCAndSigterm) {
  for (const int signal : {SIGINT, SIGTERM}) {
    Sandbox box;
    write_sample_docs(box);
    box.index();
    Served served(box);
    HttpClient client(served.port());
    EXPECT_EQ(text(ask(client, "How many kilograms does the pump weigh?"), "cache"), "miss");
    const ProcessResult result = served.stop(signal);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_TRUE(contains(result.err, "stopped")) << result.err;
    // What was answered is kept.
    EXPECT_EQ(text(box.json_of({"ask", "--json", "How many kilograms does the pump weigh?"}), "cache"), "disk");
  }
}

TEST(Serve, AKilledServerLosesNothingThatItAccepted) {
  Sandbox box;
  {
    Served served(box);
    HttpClient client(served.port());
    for (int i = 0; i < 20; ++i) {
      const std::string text = fmt::format("# Part {}\n\nPart number {} is made of material M{}.\n", i, i, i * 7);
      ASSERT_EQ(upload(client, fmt::format("part{}.md", i), text).status, 202);
    }
    served.stop(SIGKILL);
  }
  const Served served(box);
  HttpClient client(served.port());
  // Asking opens the collection, which goes on with what was not indexed yet.
  client.get("/v1/documents");
  wait_indexed(client);
  const json::array documents = list(body_of(client.get("/v1/documents")), "data");
  EXPECT_EQ(documents.size(), 20u);
  for (const json::value& document : documents) EXPECT_EQ(text(document, "status"), "indexed");
}

TEST(Serve, MeasuresAndExplains) {
  Sandbox box;
  write_sample_docs(box);
  box.index();
  const Served served(box);
  HttpClient client(served.port());
  ask(client, "How many kilograms does the pump weigh?");
  ask(client, "How many kilograms does the pump weigh?");
  const json::value stats = body_of(client.get("/v1/stats"));
  EXPECT_GT(number(stats.at("memory"), "rss_bytes"), 0);
  EXPECT_GT(number(stats.at("memory"), "budget_bytes"), 0);
  EXPECT_GT(number(stats.at("process"), "threads"), 2);
  EXPECT_GT(number(stats.at("process"), "open_files"), 2);
  EXPECT_EQ(number(stats.at("questions"), "total"), 2);
  EXPECT_EQ(number(stats.at("cache").at("answers"), "hits"), 1);
  EXPECT_FALSE(stats.at("gpu").at("present").as_bool() && stats.at("gpu").at("devices").as_array().empty());
  const std::string metrics = client.get("/metrics").body;
  EXPECT_TRUE(contains(metrics, "docmind_"));
  EXPECT_TRUE(contains(client.get("/v1/decisions").body, "recommendations"));
  const HttpReply page = client.get("/", {{"Accept", "text/html"}});
  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(contains(page.body, "<!doctype html") || contains(page.body, "<!DOCTYPE html"));
}

TEST(Serve, TheBuiltInEmbedderSaysWhereItHasNoVector) {
  Sandbox box;
  write_sample_docs(box);
  box.index();
  const Served served(box);
  HttpClient client(served.port());
  EXPECT_EQ(client.post("/v1/embeddings", R"({"input": "The pump weighs forty kilograms."})").status, 200);
  const HttpReply unknown = client.post("/v1/embeddings", R"({"input": ["pump", "qwxzy vbnmk"]})");
  EXPECT_EQ(unknown.status, 400) << unknown.body;
  EXPECT_TRUE(contains(unknown.body, "[1]")) << unknown.body;
}

TEST(Serve, ShowsWhatIsKnownOfTheQuality) {
  Sandbox box;
  box.env["DOCMIND_MODEL_THREADS"] = "1";
  const Result<std::string> model = write_model({.n_context = 2'048}, box.folder.path("generator.gguf"));
  ASSERT_TRUE(model.ok()) << model.error().message;
  const auto int8_score = [&] {
    const Served served(box, {"--model", *model});
    HttpClient client(served.port());
    for (const json::value& entry : list(body_of(client.get("/v1/stats")), "quality")) {
      if (text(entry, "format") == "int8") return entry.at("score");
    }
    return json::value("missing");
  };
  EXPECT_TRUE(int8_score().is_null());
  std::ofstream(box.folder.path("text.txt")) << filler_text(1, 600);
  const json::value measured = box.json_of({"bench", "kv", *model, "--quality", box.folder.path("text.txt"), "--json"});
  EXPECT_FALSE(list(measured, "quality").empty());
  const json::value score = int8_score();
  ASSERT_TRUE(score.is_object());
  EXPECT_GT(score.at("same_top").to_number<double>(), 0.5);
}

}  // namespace
}  // namespace docmind::test
