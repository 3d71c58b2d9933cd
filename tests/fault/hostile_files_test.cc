// Files made to hurt: each is named with a reason, the rest is indexed, and nothing hangs.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault_support.h"
#include "support/sample_docs.h"

namespace docmind::test {
namespace {

class Hostile : public testing::Test {
 protected:
  void SetUp() override { write_sample_docs(box_); }

  // Indexes and expects exactly these skips: "name" -> code; the sample documents are in.
  json::value expect_skips(const std::map<std::string, std::string>& wanted, int64_t n_more = 0) const {
    const json::value report = box_.index(wanted.empty() ? 0 : 3);
    std::map<std::string, std::string> skips;
    for (const json::value& skip : list(report, "skipped")) {
      skips[text(skip, "path").substr(box_.docs().size() + 1)] = text(skip, "code");
      EXPECT_GT(text(skip, "reason").size(), 15U) << text(skip, "reason");
    }
    EXPECT_EQ(skips, wanted);
    EXPECT_EQ(number(report.at("store"), "documents"), kNSampleDocs + n_more);
    const ProcessResult ask = box_.run({"ask", "How often must the pump be greased?"});
    EXPECT_TRUE(contains(ask.out, "every six weeks")) << ask.out << ask.err;
    return report;
  }
  Sandbox box_;
};

TEST_F(Hostile, DamagedArchivesAndPdfs) {
  const std::string pdf = pump_pdf();
  const std::string docx = lease_docx();
  box_.doc("cut.docx", docx.substr(0, docx.size() / 2));
  box_.doc("head.pdf", pdf.substr(0, 40));
  box_.doc("locked.pdf", make_pdf({"secret"}, {.encrypted = true}));
  box_.doc("archive.docx", make_zip({{"readme.txt", "not a document"}}));
  box_.doc("xml.docx", make_zip({{"[Content_Types].xml", "<Types/>"}, {"word/document.xml", "<w:document"}}));
  const json::value report = box_.index(3);
  EXPECT_EQ(list(report, "skipped").size(), 5U) << json::serialize(report);
  EXPECT_EQ(number(report.at("store"), "documents"), kNSampleDocs);
  const ProcessResult words = box_.run({"index", "docs"});
  EXPECT_EQ(words.code, 3);
  for (const char* name : {"cut.docx", "head.pdf", "locked.pdf", "archive.docx", "xml.docx"}) {
    EXPECT_TRUE(contains(words.err, "skipped docs/" + std::string(name) + ": ")) << words.err;
  }
}

TEST_F(Hostile, ATruncatedPdfIsRepairedOrNamed) {
  const std::string pdf = pump_pdf();
  for (int part = 1; part < 8; ++part) {
    box_.doc("cut" + std::to_string(part) + ".pdf", pdf.substr(0, pdf.size() * part / 8));
  }
  const ProcessResult result = box_.run({"index", "--json", "docs"});
  EXPECT_TRUE(result.code == 0 || result.code == 3) << result.err;
  const json::value report = must(parse_json(result.out, 16, 1u << 20));
  EXPECT_EQ(number(report, "found"), kNSampleDocs + 7);
  EXPECT_EQ(number(report, "added") + static_cast<int64_t>(list(report, "skipped").size()),
            kNSampleDocs + 7);
}

TEST_F(Hostile, BombsEndInALimit) {
  box_.doc("bomb.docx", make_docx(docx_paragraph(std::string(80u << 20, 'a'))));
  box_.doc("entities.docx",
           make_zip({{"[Content_Types].xml", "<Types/>"},
                     {"word/document.xml",
                      "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]>"
                      "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/"
                      "main\"><w:body><w:p><w:r><w:t>&b;</w:t></w:r></w:p></w:body></w:document>"}}));
  std::string deep = "<html><body>";
  for (int i = 0; i < 200'000; ++i) deep += "<div><b>";
  box_.doc("deep.html", deep + "the quokka lives deep inside");
  std::string wide = "<html><body";
  for (int i = 0; i < 20'000; ++i) wide += " a" + std::to_string(i) + "='" + std::string(50, 'v') + "'";
  box_.doc("wide.html", wide + "><p title='" + std::string(4u << 20, 't') + "'>the numbat is wide</p>");
  box_.doc("long.txt", std::string(6u << 20, 'w') + " the bilby is at the end");
  const json::value report = box_.index(3);
  for (const json::value& skip : list(report, "skipped")) {
    EXPECT_TRUE(contains(text(skip, "path"), "bomb.docx") || contains(text(skip, "path"), "entities"))
        << text(skip, "path") << ": " << text(skip, "reason");
  }
  EXPECT_EQ(list(report, "skipped").size(), 2U);
  for (const char* word : {"quokka", "numbat", "bilby"}) {
    EXPECT_TRUE(contains(box_.run({"search", "--json", word}).out, word)) << word;
  }
}

TEST_F(Hostile, BytesThatAreNoText) {
  box_.doc("latin.txt", "Die Stra\xdf" "e hei\xdft Ring, die Fl\xfcsse sind gr\xfcn und die "
                        "B\xe4ume sch\xf6n.\n");
  box_.doc("bad.txt", "Good words, then \xff\xfe\xc0\x80 bad bytes, then good words.\n");
  const std::string elf("\x7f" "ELF\x02\x01\x01\0\0\0\x03\0>\0\x01\0\0\0", 18);
  box_.doc("binary.md", elf + std::string(500, '\x01'));
  box_.doc("empty.md", "");
  box_.doc("nul.txt", std::string("before\0after", 12));
  const ProcessResult result = box_.run({"index", "--json", "docs"});
  EXPECT_EQ(result.code, 3) << result.err;
  const json::value report = must(parse_json(result.out, 16, 1u << 20));
  ASSERT_GE(list(report, "skipped").size(), 1U) << result.out;
  EXPECT_TRUE(contains(result.err, "binary.md: ")) << result.err;
  EXPECT_FALSE(contains(result.err, "latin.txt: ")) << result.err;
  EXPECT_EQ(box_.run({"search", "--json", "good words"}).code, 0);
}

TEST_F(Hostile, HugeSparseFiles) {
  for (const char* name : {"huge.txt", "huge.pdf"}) {
    const std::string path = box_.doc(name, "%PDF-1.4 start");
    ASSERT_EQ(::truncate(path.c_str(), 2LL << 30), 0);
  }
  expect_skips({{"huge.pdf", "limit"}, {"huge.txt", "limit"}});
  const ProcessResult words = box_.run({"index", "docs"});
  EXPECT_TRUE(contains(words.err, "more than the limit")) << words.err;
}

TEST_F(Hostile, LinksThatLoopLeaveOrBreak) {
  box_.folder.write("outside/secret.md", "# Secret\n\nThe wombat is a secret.\n");
  box_.folder.symlink("../docs", "docs/loop");
  box_.folder.symlink("self", "docs/self");
  box_.folder.symlink("../outside", "docs/out");
  box_.folder.symlink("../outside/secret.md", "docs/secret.md");
  box_.folder.symlink("nowhere.md", "docs/broken.md");
  const ProcessResult result = box_.run({"index", "docs"});
  EXPECT_EQ(result.code, 3) << result.out << result.err;
  for (const char* name : {"docs/out", "docs/secret.md"}) {
    EXPECT_TRUE(contains(result.err, "skipped " + std::string(name) + ": ")) << result.err;
  }
  EXPECT_EQ(number(box_.json_of({"status", "--json"}), "documents"), kNSampleDocs);
  EXPECT_FALSE(contains(box_.run({"search", "wombat secret"}).out, "wombat"));
}

TEST_F(Hostile, ThingsThatAreNoFiles) {
  ASSERT_EQ(::mkfifo(box_.folder.path("docs/pipe.md").c_str(), 0600), 0);
  const std::string fifo = box_.folder.path("docs/pipe.md");
  const ProcessResult named = box_.run({"index", fifo});
  EXPECT_TRUE(named.code == 1 || named.code == 3) << named.code << named.out << named.err;
  EXPECT_TRUE(contains(named.err, "pipe.md")) << named.err;
  const ProcessResult folder = box_.run({"index", "docs"});
  EXPECT_TRUE(folder.code == 0 || folder.code == 3) << folder.err;
  EXPECT_EQ(number(box_.json_of({"status", "--json"}), "documents"), kNSampleDocs);
}

TEST_F(Hostile, FilesThatMayNotBeRead) {
  const std::string file = box_.doc("private.md", "# Private\n\nNot for you.\n");
  box_.doc("closed/inside.md", "# Inside\n\nNot for you either.\n");
  ProcessOptions options = box_.command({"index", "docs"});
  if (!without_privileges(box_, options)) GTEST_SKIP() << "nobody cannot run the binary";
  ASSERT_EQ(::chmod(file.c_str(), 0), 0);
  ASSERT_EQ(::chmod(box_.folder.path("docs/closed").c_str(), 0), 0);
  const ProcessResult result = run_process(options);
  EXPECT_EQ(::chmod(box_.folder.path("docs/closed").c_str(), 0755), 0);
  EXPECT_EQ(result.code, 3) << result.out << result.err;
  for (const char* name : {"docs/private.md", "docs/closed"}) {
    EXPECT_TRUE(contains(result.err, "skipped " + std::string(name) + ": ")) << result.err;
  }
  EXPECT_TRUE(contains(result.err, "ermission denied")) << result.err;
  EXPECT_TRUE(contains(result.out, "5 added")) << result.out;
}

TEST_F(Hostile, NamesThatAreMeantToConfuse) {
  box_.doc("two\nskipped docs", "x");
  box_.doc("bad\n\x1b[2J\xff.pdf", "%PDF-1.7 and no more");
  const ProcessResult result = box_.run({"index", "docs"});
  EXPECT_EQ(result.code, 3);
  EXPECT_FALSE(contains(result.err, "\x1b")) << "a name reached the terminal as it is";
  EXPECT_TRUE(contains(result.err, "docs/bad\\n\\x1b[2J")) << result.err;
  EXPECT_EQ(lines_of(result.err).size(), 1U) << result.err;
}

}  // namespace
}  // namespace docmind::test
