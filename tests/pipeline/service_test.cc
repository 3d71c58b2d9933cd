// Service: questions, the memory path, tenants, workers, control and statistics.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/service.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <future>
#include <set>
#include <thread>

#include "cache/answer_cache.h"
#include "pipeline/service_test_support.h"

namespace docmind::pipeline {
namespace {

constexpr std::string_view kQuestion = "Who is the harbour master of Vannholm?";

TEST_F(ServiceTest, AnEmptyCollectionSaysWhatToDo) {
  start();
  const Result<Answer> answer =
      collection()->ask(kQuestion, ask_options(), [](std::string_view) { return true; }, {});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kNotFound);
  EXPECT_NE(answer.error().message.find("POST /v1/documents"), std::string::npos) << answer.error().message;
  EXPECT_FALSE(ask_memory(*collection(), kQuestion));
  EXPECT_EQ(must(collection()->documents()).size(), 0u);
  EXPECT_EQ(collection()->embed(std::vector<std::string_view>{"a"}, {}).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(service->ready().ok());
}

TEST_F(ServiceTest, AnUploadIsIndexedAndAnswered) {
  start();
  const CollectionPtr documents = collection();
  const DocumentInfo info = upload(*documents, "harbour.md", kHarbour);
  EXPECT_EQ(info.name, "harbour.md");
  EXPECT_TRUE(info.uploaded);
  settle(*documents);
  const Answer answer = ask(*documents, kQuestion);
  EXPECT_NE(answer.text.find("Astrid Nyberg"), std::string::npos) << answer.text;
  ASSERT_FALSE(answer.citations.empty());
  EXPECT_EQ(answer.citations[0].path, info.path);
  const std::vector<DocumentInfo> all = must(documents->documents());
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].status, "indexed");
  EXPECT_GT(all[0].n_chunks, 0);
  EXPECT_GE(documents->job().id, 1);
  ASSERT_TRUE(documents->job().report);
  EXPECT_EQ(documents->job().report->n_added, 1);
}

TEST_F(ServiceTest, ARepeatComesFromMemoryWithTheSameContent) {
  start();
  const CollectionPtr documents = collection();
  upload(*documents, "harbour.md", kHarbour);
  settle(*documents);
  EXPECT_FALSE(ask_memory(*documents, kQuestion));
  const Answer fresh = ask(*documents, kQuestion);
  const std::optional<Answer> repeat = ask_memory(*documents, "  who is the harbour master of Vannholm");
  ASSERT_TRUE(repeat);
  EXPECT_EQ(repeat->cache, CacheState::kMemory);
  EXPECT_EQ(repeat->text, fresh.text);
  ASSERT_EQ(repeat->citations.size(), fresh.citations.size());
  EXPECT_EQ(repeat->citations[0].path, fresh.citations[0].path);
  EXPECT_EQ(repeat->passages.size(), fresh.passages.size());
  EXPECT_GT(repeat->cached->id, 0);
  EXPECT_EQ(service->metrics().value(monitor::Counter::kQuestions), 2u);
  EXPECT_EQ(service->metrics().value(monitor::Counter::kAnswersCached), 1u);
  // Other settings, another session: another answer.
  AskOptions other = ask_options();
  other.max_sentences = 1;
  EXPECT_FALSE(documents->ask_memory(kQuestion, other));
  other = ask_options();
  other.refresh = true;
  EXPECT_FALSE(documents->ask_memory(kQuestion, other));
}

TEST_F(ServiceTest, AnAnswerWhoseDocumentChangedIsNotServedFromMemory) {
  const std::string path = folder.write("docs/harbour.md", kHarbour);
  start();
  const CollectionPtr documents = collection();
  const DocumentInfo first = upload(*documents, "harbour.md", kHarbour);
  settle(*documents);
  ask(*documents, kQuestion);
  ASSERT_TRUE(ask_memory(*documents, kQuestion));
  // Somebody writes into the file; the index does not know yet.
  std::ofstream(first.path, std::ios::app) << "\nThe harbour master is Olaf Brekke now.\n";
  EXPECT_FALSE(ask_memory(*documents, kQuestion));
  EXPECT_FALSE(ask_memory(*documents, kQuestion));
  documents->reindex();
  settle(*documents);
  EXPECT_FALSE(ask_memory(*documents, kQuestion));
  ask(*documents, kQuestion);
  EXPECT_TRUE(ask_memory(*documents, kQuestion));
}

TEST_F(ServiceTest, AnAnswerDiesWithItsDocument) {
  start();
  const CollectionPtr documents = collection();
  const DocumentInfo harbour = upload(*documents, "harbour.md", kHarbour);
  upload(*documents, "lighthouse.md", kLighthouse);
  settle(*documents);
  ask(*documents, kQuestion);
  ASSERT_TRUE(ask_memory(*documents, kQuestion));
  must(documents->remove(harbour.id));
  EXPECT_FALSE(ask_memory(*documents, kQuestion));
  const Answer after = ask(*documents, kQuestion);
  EXPECT_EQ(after.text.find("Astrid"), std::string::npos) << after.text;
  EXPECT_EQ(must(documents->documents()).size(), 1u);
  EXPECT_EQ(documents->remove(harbour.id).error().code, ErrorCode::kNotFound);
}

TEST_F(ServiceTest, AnErasedAnswerIsNotServedFromMemory) {
  start();
  const CollectionPtr documents = collection();
  upload(*documents, "harbour.md", kHarbour);
  settle(*documents);
  const Answer fresh = ask(*documents, kQuestion);
  ASSERT_TRUE(ask_memory(*documents, kQuestion));
  must(documents->answers()->feedback("local", fresh.cache_id, false));
  EXPECT_FALSE(ask_memory(*documents, kQuestion));
  ask(*documents, kQuestion);
  ASSERT_TRUE(ask_memory(*documents, kQuestion));
  must(documents->answers()->clear());
  EXPECT_FALSE(ask_memory(*documents, kQuestion));
}

TEST_F(ServiceTest, TenantsSeeNothingOfEachOther) {
  start();
  const CollectionPtr ours = collection("local");
  const CollectionPtr theirs = collection("other");
  EXPECT_NE(ours->folder(), theirs->folder());
  upload(*ours, "harbour.md", kHarbour);
  upload(*theirs, "lighthouse.md", kLighthouse);
  settle(*ours);
  settle(*theirs);
  ask(*ours, kQuestion);
  EXPECT_FALSE(ask_memory(*theirs, kQuestion, "other"));
  EXPECT_FALSE(ask_memory(*ours, kQuestion, "other")) << "the tenant is part of the key";
  EXPECT_EQ(must(theirs->documents()).size(), 1u);
  EXPECT_EQ(must(theirs->documents())[0].name, "lighthouse.md");
  const std::string id = must(ours->documents())[0].id;
  EXPECT_EQ(theirs->source(id).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(theirs->remove(id).error().code, ErrorCode::kNotFound);
  must(service->collection("other", "notes", true));
  EXPECT_EQ(service->collection_names("local"), (std::vector<std::string>{"default"}));
  EXPECT_EQ(service->collection_names("other"), (std::vector<std::string>{"default", "notes"}));
  EXPECT_EQ(service->collection("local", "notes", false).error().code, ErrorCode::kNotFound);
}

TEST_F(ServiceTest, NoNameLeadsOutOfTheStore) {
  start();
  std::set<std::string> folders;
  for (const std::string tenant : {"../../etc", "/etc", "a/b", "..", "", "t-0", "A", "\xff\xfe", "räv"}) {
    const CollectionPtr made = collection(tenant);
    EXPECT_TRUE(made->folder().starts_with(folder.path("store") + "/tenants/t-")) << made->folder();
    EXPECT_EQ(made->folder().find(".."), std::string::npos);
    folders.insert(made->folder());
  }
  EXPECT_EQ(folders.size(), 9u);
  for (const std::string name : {"../x", "a/b", "", "UPPER", ".", "a b", std::string(65, 'a').c_str()}) {
    EXPECT_EQ(service->collection("local", name, true).error().code, ErrorCode::kInvalidArgument) << name;
  }
}

TEST_F(ServiceTest, WorkersRefuseWhatCannotWait) {
  ServiceOptions wanted = options();
  wanted.n_workers = 1;
  wanted.max_waiting = 2;
  start(wanted);
  std::promise<void> open;
  const std::shared_future<void> gate = open.get_future().share();
  std::promise<void> begun;
  std::atomic<int> n_done = 0;
  must(service->post([&, gate] {
    begun.set_value();
    gate.wait();
    ++n_done;
  }));
  begun.get_future().wait();
  must(service->post([&] { ++n_done; }));
  must(service->post([&] { ++n_done; }));
  const Status refused = service->post([] {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kBusy);
  EXPECT_NE(refused.error().message.find("2 requests wait"), std::string::npos) << refused.error().message;
  EXPECT_GT(service->retry_after_ms(), 0);
  open.set_value();
  while (n_done < 3) std::this_thread::yield();
}

TEST_F(ServiceTest, StatisticsHaveTheShapeThatIsPromised) {
  start();
  service->set_server_stats([] { return json::object{{"connections", 3}, {"requests", 7}}; });
  const CollectionPtr documents = collection();
  upload(*documents, "harbour.md", kHarbour);
  settle(*documents);
  ask(*documents, kQuestion);
  ASSERT_TRUE(ask_memory(*documents, kQuestion));
  const json::object stats = service->stats();
  for (const char* key : {"unix_ms", "version", "uptime_s", "collection_default", "memory", "gpu", "stages", "window",
                          "server", "questions", "tokens", "kv", "cache", "batch", "queue", "models", "quality",
                          "setpoints", "configured"}) {
    EXPECT_TRUE(stats.contains(key)) << key;
  }
  EXPECT_EQ(stats.at("collection_default").at("documents").to_number<int>(), 1);
  EXPECT_EQ(stats.at("questions").at("total").to_number<int>(), 2);
  EXPECT_DOUBLE_EQ(stats.at("cache").at("hit_rate").to_number<double>(), 0.5);
  EXPECT_EQ(stats.at("server").at("connections").to_number<int>(), 3);
  EXPECT_GT(stats.at("memory").at("rss_bytes").to_number<int64_t>(), 0);
  EXPECT_TRUE(stats.at("stages").as_object().contains("total_ask"));
  service->set_server_stats({});
}

TEST_F(ServiceTest, HistoryAndDecisionsAreKept) {
  start();
  const Stopwatch clock;
  while (service->history(60'000).at("unix_ms").as_array().empty() && clock.elapsed_ms() < kPatienceMs) {
    std::this_thread::yield();
  }
  const json::object history = service->history(60'000);
  EXPECT_EQ(history.at("step_ms").to_number<int>(), 1'000);
  const size_t n = history.at("unix_ms").as_array().size();
  EXPECT_EQ(history.at("series").at("rss_bytes").as_array().size(), n);
  EXPECT_TRUE(history.at("series").at("kv_share").as_array()[0].is_null());
  const json::object decisions = service->decisions(10);
  EXPECT_TRUE(decisions.at("data").is_array());
  EXPECT_TRUE(decisions.at("recommendations").is_array());
}

TEST_F(ServiceTest, ManyThreadsAskWhileDocumentsAreIndexed) {
  start();
  const CollectionPtr documents = collection();
  upload(*documents, "harbour.md", kHarbour);
  settle(*documents);
  std::atomic<bool> stop = false;
  std::atomic<int> n_wrong = 0, n_asked = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        std::optional<Answer> answer = ask_memory(*documents, kQuestion);
        if (!answer) answer = ask(*documents, kQuestion);
        if (answer->text.find("Astrid") == std::string::npos) ++n_wrong;
        ++n_asked;
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    upload(*documents, "note" + std::to_string(i) + ".txt", "Note " + std::to_string(i) + " about rope and tar.");
  }
  settle(*documents);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(n_wrong, 0);
  EXPECT_GT(n_asked, 3);
  EXPECT_EQ(must(documents->documents()).size(), 21u);
}

}  // namespace
}  // namespace docmind::pipeline
