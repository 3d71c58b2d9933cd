// Several processes on one store: writers take turns, readers go on.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

#include "fault_support.h"
#include "support/sample_docs.h"

namespace docmind::test {
namespace {

class Sharing : public testing::Test {
 protected:
  void SetUp() override {
    write_sample_docs(box_);
    box_.index();
  }
  index::StoreWriter writer() const { return must(index::StoreWriter::open(box_.store(), {})); }
  Sandbox box_;
};

TEST_F(Sharing, ASecondWriterGivesUpAndNamesTheFirst) {
  const index::StoreWriter first = writer();
  box_.env["DOCMIND_STORE_LOCK_WAIT_MS"] = "100";
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"index", "docs"}, std::vector<std::string>{"remove", "docs"}}) {
    const ProcessResult second = box_.run(args);
    EXPECT_EQ(second.code, 4) << args[0];
    EXPECT_TRUE(contains(second.err, "process " + std::to_string(::getpid()))) << second.err;
    EXPECT_TRUE(contains(second.err, "100 ms")) << second.err;
    EXPECT_EQ(second.out, "");
  }
}

TEST_F(Sharing, ASecondWriterWaitsForTheFirst) {
  auto first = std::make_unique<index::StoreWriter>(writer());
  box_.env["DOCMIND_STORE_LOCK_WAIT_MS"] = "60000";
  box_.doc("new.md", "# New\n\nA new page.\n");
  Process second(box_.command({"index", "docs"}));
  ASSERT_TRUE(second.wait_for("waiting for process " + std::to_string(::getpid())));
  first.reset();
  const ProcessResult result = second.wait();
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "1 added")) << result.out;
}

TEST_F(Sharing, ReadersSeeTheLastCommittedState) {
  const index::StoreWriter first = writer();
  index::WriteBatch batch = must(first.begin());
  for (const index::DocumentRecord& document : must(first.reader().documents_below(""))) {
    must(batch.remove_document(document.id));
  }
  EXPECT_EQ(number(box_.json_of({"status", "--json"}), "documents"), kNSampleDocs);
  EXPECT_TRUE(contains(box_.run({"ask", "How often must the pump be greased?"}).out, "six weeks"));
  EXPECT_TRUE(contains(box_.run({"search", "espresso"}).out, "coffee.html"));
  must(batch.commit());
  EXPECT_EQ(number(box_.json_of({"status", "--json"}), "documents"), 0);
}

TEST_F(Sharing, ManyReadAndAskWhileOneWrites) {
  for (int i = 0; i < 60; ++i) {
    box_.doc("bulk/" + std::to_string(i) + ".txt", filler_text(static_cast<uint64_t>(i), 3'000));
  }
  std::string questions;
  for (int i = 0; i < 10; ++i) {
    questions += "How often must the pump be greased?\nWhen do unused leave days expire?\n" +
                 filler_text(static_cast<uint64_t>(i), 4) + "\n";
  }
  Process index(box_.command({"index", "docs"}));
  std::vector<std::unique_ptr<Process>> readers;
  for (int i = 0; i < 4; ++i) {
    ProcessOptions ask = box_.command({"ask", "--json"});
    ask.input = questions;
    readers.push_back(std::make_unique<Process>(ask));
  }
  for (const auto& reader : readers) {
    const ProcessResult result = reader->wait();
    EXPECT_EQ(result.code, 0) << result.err;
    const std::vector<std::string> lines = lines_of(result.out);
    ASSERT_EQ(lines.size(), 30U);
    for (size_t i = 0; i < lines.size(); i += 3) {
      EXPECT_TRUE(contains(lines[i], "every six weeks")) << lines[i];
      EXPECT_TRUE(contains(lines[i + 1], "last day of March")) << lines[i + 1];
    }
  }
  const ProcessResult indexed = index.wait();
  EXPECT_EQ(indexed.code, 0) << indexed.err;
  expect_like_undisturbed(box_);
}

TEST_F(Sharing, TwoWritersAtOnceBothFinish) {
  box_.doc("more/a.md", "# A\n\nText a.\n");
  box_.doc("other/b.md", "# B\n\nText b.\n");
  const std::string store = box_.folder.path("fresh-store");  // both may have to create it
  Process one(box_.command({"index", "docs/more", "--store", store}));
  Process two(box_.command({"index", "docs/other", "--store", store}));
  EXPECT_EQ(one.wait().code, 0);
  EXPECT_EQ(two.wait().code, 0);
  EXPECT_EQ(store_content(store).size(), 2U);
}

}  // namespace
}  // namespace docmind::test
