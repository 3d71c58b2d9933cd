// Parse worker: answers, crashes, time-outs, cancellation, garbage, limits, no zombies.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/worker.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "base/file.h"
#include "ingest/sanitizer.h"
#include "ingest/wire.h"
#include "support/docx_writer.h"
#include "support/pdf_writer.h"
#include "support/temp_folder.h"

namespace docmind::ingest {
namespace {

using test::TempFolder;

constexpr const char* kBinary = DOCMIND_BINARY;

class WorkerTest : public testing::Test {
 protected:
  // A stand-in for the binary: a shell script.
  std::string script(std::string_view commands) {
    const std::string path = folder_.write("fake", "#!/bin/sh\n" + std::string(commands) + "\n");
    EXPECT_EQ(::chmod(path.c_str(), 0700), 0);
    return path;
  }

  // Every child must have been waited for.
  void TearDown() override {
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
  }

  // Whether the process is gone within ten seconds. One that nobody reaps (a container without an
  // init process) stays as a zombie, which counts as gone.
  static bool ends_soon(pid_t pid) {
    const std::string path = "/proc/" + std::to_string(pid) + "/stat";
    for (int i = 0; i < 1'000; ++i) {
      std::ifstream file(path);
      std::string line;
      if (!std::getline(file, line)) return true;
      const size_t name_end = line.rfind(')');
      if (name_end != std::string::npos && line.substr(name_end, 3) == ") Z") return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  static ReadLimits patient() {
    ReadLimits limits;
    limits.timeout_ms = 30'000;
    return limits;
  }

  TempFolder folder_;
  CancelToken never_;
};

TEST_F(WorkerTest, ParsesFilesInOneChild) {
  ParseWorker worker(kBinary, patient());
  const std::string pdf = test::make_pdf({"Page one text.", "Page two text."});
  for (int i = 0; i < 3; ++i) {
    const auto document = worker.parse("a.pdf", pdf, never_);
    ASSERT_TRUE(document.ok()) << document.error().message;
    EXPECT_EQ(document->text, "Page one text.\n\nPage two text.\n");
    ASSERT_EQ(document->marks.size(), 2U);
    EXPECT_EQ(document->marks[1].page, 2U);
  }
  const auto docx = worker.parse(
      "b.docx", test::make_docx(test::docx_paragraph("Head", "Heading1")), never_);
  ASSERT_TRUE(docx.ok()) << docx.error().message;
  ASSERT_EQ(docx->headings.size(), 1U);
  EXPECT_EQ(docx->headings[0].title, "Head");
}

TEST_F(WorkerTest, GivesTheSameDocumentAsReadingInThisProcess) {
  const std::string docx =
      test::make_docx(test::docx_paragraph("H", "Heading2") + test::docx_paragraph("caf\xC3\xA9"));
  ParseWorker child(kBinary, patient());
  ParseWorker here("", patient());
  const auto a = child.parse("x.docx", docx, never_);
  const auto b = here.parse("x.docx", docx, never_);
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(encode_document(*a), encode_document(*b));
}

TEST_F(WorkerTest, HandsErrorsOn) {
  ParseWorker worker(kBinary, patient());
  const auto broken = worker.parse("broken.pdf", "%PDF-1.7 and no more", never_);
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().code, ErrorCode::kMalformed);
  EXPECT_NE(broken.error().message.find("'broken.pdf'"), std::string::npos);
  ReadLimits limits = patient();
  limits.max_pages = 1;
  ParseWorker strict(kBinary, limits);
  const auto pages = strict.parse("a.pdf", test::make_pdf({"a", "b"}), never_);
  ASSERT_FALSE(pages.ok());
  EXPECT_EQ(pages.error().code, ErrorCode::kLimit);
}

TEST_F(WorkerTest, SendsAndReceivesMoreThanAPipeHolds) {
  std::string body;
  for (int i = 0; i < 60'000; ++i) {
    body += test::docx_paragraph("Paragraph " + std::to_string(i * 2654435761U) + " of many.");
  }
  const std::string docx = test::make_docx(body);
  ASSERT_GT(docx.size(), 400'000U);
  ParseWorker worker(kBinary, patient());
  const auto document = worker.parse("large.docx", docx, never_);
  ASSERT_TRUE(document.ok()) << document.error().message;
  EXPECT_EQ(document->marks.size(), 60'000U);
}

TEST_F(WorkerTest, ACrashIsMalformedAndNamesTheSignal) {
  ParseWorker worker(script("head -c 20 >/dev/null; kill -SEGV $$"), patient());
  for (int i = 0; i < 2; ++i) {
    const auto document = worker.parse("evil.pdf", "%PDF-", never_);
    ASSERT_FALSE(document.ok());
    EXPECT_EQ(document.error().code, ErrorCode::kMalformed) << document.error().message;
    EXPECT_NE(document.error().message.find("SIGSEGV"), std::string::npos) << document.error().message;
    EXPECT_NE(document.error().message.find("'evil.pdf'"), std::string::npos);
  }
}

TEST_F(WorkerTest, ACrashBeforeTheRequestWasReadIsHandled) {
  ParseWorker worker(script("kill -ABRT $$"), patient());
  const std::string large(4 << 20, 'x');
  const auto document = worker.parse("evil.pdf", large, never_);
  ASSERT_FALSE(document.ok());
  EXPECT_EQ(document.error().code, ErrorCode::kMalformed);
  EXPECT_NE(document.error().message.find("SIGABRT"), std::string::npos) << document.error().message;
}

TEST_F(WorkerTest, AnExitWithoutAnAnswerIsMalformed) {
  ParseWorker worker(script("head -c 20 >/dev/null; exit 7"), patient());
  const auto document = worker.parse("a.pdf", "%PDF-", never_);
  ASSERT_FALSE(document.ok());
  EXPECT_EQ(document.error().code, ErrorCode::kMalformed);
  EXPECT_NE(document.error().message.find("exit status 7"), std::string::npos);
}

TEST_F(WorkerTest, AHangEndsInALimitAndKillsTheWholeGroup) {
  const std::string pid_file = folder_.path("pid");
  ReadLimits limits;
  limits.timeout_ms = 400;
  ParseWorker worker(script("sleep 1000 & echo $! > '" + pid_file + "'; wait"), limits);
  const auto document = worker.parse("slow.pdf", "%PDF-", never_);
  ASSERT_FALSE(document.ok());
  EXPECT_EQ(document.error().code, ErrorCode::kLimit);
  EXPECT_NE(document.error().message.find("400 ms"), std::string::npos);
  if (!folder_.exists("pid")) return;  // the script was killed before it wrote
  const std::string pid = folder_.read("pid");
  if (pid.empty()) return;
  EXPECT_TRUE(ends_soon(std::stoi(pid)));
}

TEST_F(WorkerTest, CancelStopsTheWait) {
  ParseWorker worker(script("sleep 1000"), patient());
  const CancelToken cancel;
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    cancel.cancel();
  });
  const auto document = worker.parse("a.pdf", "%PDF-", cancel);
  canceller.join();
  ASSERT_FALSE(document.ok());
  EXPECT_EQ(document.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(worker.parse("b.pdf", "%PDF-", cancel).error().code, ErrorCode::kCancelled);
}

TEST_F(WorkerTest, GarbageIsRefused) {
  for (const char* commands :
       {"echo 'hello, this is not a reply at all'; sleep 1000", "printf x", "cat",
        "printf 'DMW1\\002\\000\\000\\000\\377\\377\\377\\377\\377\\377\\377\\177'; sleep 1000"}) {
    ParseWorker worker(script(commands), patient());
    const auto document = worker.parse("a.pdf", "%PDF-", never_);
    ASSERT_FALSE(document.ok()) << commands;
    EXPECT_EQ(document.error().code, ErrorCode::kInternal) << document.error().message;
  }
}

TEST_F(WorkerTest, ADamagedDocumentIsRefused) {
  // A frame of kind "document" with five bytes that are none.
  ParseWorker worker(
      script("head -c 20 >/dev/null; printf 'DMW1\\002\\000\\000\\000\\005\\000\\000\\000\\000\\000\\000\\000abcde';"
             "sleep 1000"),
      patient());
  const auto document = worker.parse("a.pdf", "%PDF-", never_);
  ASSERT_FALSE(document.ok());
  EXPECT_EQ(document.error().code, ErrorCode::kMalformed) << document.error().message;
}

TEST_F(WorkerTest, AMissingExecutableIsAnError) {
  ParseWorker worker(folder_.path("absent"), patient());
  const auto document = worker.parse("a.pdf", "%PDF-", never_);
  ASSERT_FALSE(document.ok());
  EXPECT_EQ(document.error().code, ErrorCode::kNotFound);
  EXPECT_NE(document.error().message.find("absent"), std::string::npos);
}

TEST_F(WorkerTest, AChildThatDiedWhileIdleIsReplaced) {
  // Serves one request through the real worker's protocol and ends.
  const std::string real = kBinary;
  ParseWorker worker(script("exec '" + real + "' parse-worker"), patient());
  const std::string pdf = test::make_pdf({"Some text."});
  ASSERT_TRUE(worker.parse("a.pdf", pdf, never_).ok());
  // The shell became the worker, the only child of this process.
  std::ifstream children("/proc/self/task/" + std::to_string(::gettid()) + "/children");
  pid_t child = 0;
  ASSERT_TRUE(children >> child);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
  const auto again = worker.parse("a.pdf", pdf, never_);
  ASSERT_TRUE(again.ok()) << again.error().message;
}

TEST_F(WorkerTest, SecretsAndFilesStayBehind) {
  ASSERT_EQ(::setenv("DOCMIND_TEST_SECRET", "hunter2", 1), 0);
  const std::string held = folder_.write("held", "x");
  const std::string seen = folder_.path("seen");
  // Inherited on purpose: no close-on-exec.
  FILE* open_file = std::fopen(held.c_str(), "r");
  ASSERT_NE(open_file, nullptr);
  ParseWorker worker(script("{ env; ls -l /proc/$$/fd; } > '" + seen + "'; exit 1"), patient());
  EXPECT_FALSE(worker.parse("a.pdf", "%PDF-", never_).ok());
  std::fclose(open_file);
  ::unsetenv("DOCMIND_TEST_SECRET");
  const std::string output = folder_.read("seen");
  EXPECT_NE(output.find("PATH="), std::string::npos);
  EXPECT_EQ(output.find("hunter2"), std::string::npos);
  EXPECT_EQ(output.find(held), std::string::npos) << output;
}

TEST_F(WorkerTest, TooMuchMemoryEndsInAnErrorNotInACrashOfOurs) {
  if (kBuiltWithSanitizer) GTEST_SKIP() << "the address space cannot be limited under a sanitizer";
  ReadLimits limits = patient();
  limits.worker_memory_bytes = 64 << 20;  // less than the text and the request need
  std::string body;
  for (int i = 0; i < 200; ++i) body += test::docx_paragraph(std::string(200'000, static_cast<char>('a' + i % 26)));
  limits.max_archive_bytes = 1LL << 30;
  std::string noise;
  for (uint32_t i = 0, x = 1; i < (2 << 20); ++i) noise.push_back(static_cast<char>((x = x * 1664525 + 1013904223) >> 24));
  // Incompressible filler keeps the growth of the entry below the bomb check.
  const std::string docx = test::make_zip({{"noise", noise}, {"word/document.xml", test::docx_document_xml(body)}});
  ParseWorker worker(kBinary, limits);
  const auto document = worker.parse("big.docx", docx, never_);
  ASSERT_FALSE(document.ok());
  EXPECT_TRUE(document.error().code == ErrorCode::kLimit ||
              document.error().code == ErrorCode::kMalformed)
      << document.error().message;
}

TEST(Wire, FramesAndRequestsAreChecked) {
  const std::string frame = encode_frame({FrameKind::kError, 10});
  ASSERT_EQ(frame.size(), kFrameBytes);
  EXPECT_TRUE(decode_frame(frame, 10).ok());
  EXPECT_FALSE(decode_frame(frame, 9).ok());
  for (size_t i = 0; i < 8; ++i) {
    std::string damaged = frame;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
    EXPECT_FALSE(decode_frame(damaged, 10).ok()) << i;
  }
  ReadLimits limits;
  limits.max_pages = 7;
  const std::string head = encode_request_head({.limits = limits, .path = "p", .bytes = "abc"});
  const auto request = decode_request(head + "abc");
  EXPECT_TRUE(request.ok());
  EXPECT_FALSE(decode_request(head + "ab").ok());
  EXPECT_FALSE(decode_request(head + "abcd").ok());
  const Error error = decode_error(encode_error({ErrorCode::kLimit, "too \x01 much"}));
  EXPECT_EQ(error.code, ErrorCode::kLimit);
  EXPECT_EQ(error.message, "too much");
  EXPECT_EQ(decode_error("\xFF").code, ErrorCode::kMalformed);
}

}  // namespace
}  // namespace docmind::ingest
