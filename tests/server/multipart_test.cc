// Multipart bodies: what browsers and curl send, what is refused, and how much may come.
// SPDX-License-Identifier: Apache-2.0
#include "server/multipart.h"

#include <gtest/gtest.h>

namespace docmind::server {
namespace {

std::string part(std::string_view disposition, std::string_view content, std::string_view more = "") {
  return "--XyZ\r\nContent-Disposition: " + std::string(disposition) + "\r\n" + std::string(more) + "\r\n" +
         std::string(content) + "\r\n";
}
constexpr std::string_view kEnd = "--XyZ--\r\n";

std::vector<MultipartPart> parse(const std::string& body) {
  auto parts = parse_multipart(body, "XyZ");
  EXPECT_TRUE(parts.ok()) << parts.error().message;
  return parts.ok() ? *parts : std::vector<MultipartPart>();
}
ErrorCode code_of(const std::string& body, const MultipartLimits& limits = {}) {
  const auto parts = parse_multipart(body, "XyZ", limits);
  EXPECT_FALSE(parts.ok());
  return parts.ok() ? ErrorCode::kInternal : parts.error().code;
}

TEST(MultipartBoundary, IsTakenFromTheContentType) {
  EXPECT_EQ(*multipart_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(*multipart_boundary("Multipart/Form-Data; charset=utf-8; Boundary=\"a b;c\""), "a b;c");
  for (const char* wrong : {"", "application/json", "multipart/form-data", "multipart/form-data; boundary=",
                            "multipart/mixed; boundary=a"}) {
    EXPECT_EQ(multipart_boundary(wrong).error().code, ErrorCode::kInvalidArgument) << wrong;
  }
  EXPECT_FALSE(multipart_boundary("multipart/form-data; boundary=" + std::string(71, 'a')).ok());
}

TEST(Multipart, FindsFieldsAndFiles) {
  const std::string body =
      part("form-data; name=\"note\"", "hello") +
      part("form-data; name=\"file\"; filename=\"a \\\"b\\\".txt\"", "line 1\r\nline 2", "Content-Type: text/plain\r\n") +
      std::string(kEnd) + "epilogue";
  const auto parts = parse(body);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].name, "note");
  EXPECT_FALSE(parts[0].is_file);
  EXPECT_EQ(body.substr(parts[0].begin, parts[0].size()), "hello");
  EXPECT_TRUE(parts[1].is_file);
  EXPECT_EQ(parts[1].filename, "a \"b\".txt");
  EXPECT_EQ(parts[1].content_type, "text/plain");
  EXPECT_EQ(body.substr(parts[1].begin, parts[1].size()), "line 1\r\nline 2");
}

TEST(Multipart, TakesContentByteByByte) {
  const std::string tricky("\r\n--Xy\r\n--XYZ\0--\r\n\r\n", 20);
  const std::string body = part("form-data; name=file; filename=x", tricky) + part("form-data; name=e", "") + std::string(kEnd);
  const auto parts = parse(body);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(body.substr(parts[0].begin, parts[0].size()), tricky);
  EXPECT_EQ(parts[1].size(), 0u);
}

TEST(Multipart, SkipsPreambleAndPaddedBoundaries) {
  const auto parts = parse("nobody's\r\n--XyZ \t\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--XyZ--");
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].size(), 1u);
  EXPECT_TRUE(parse("--XyZ--").empty());
}

TEST(Multipart, RefusesWhatIsNoMultipart) {
  EXPECT_EQ(code_of(""), ErrorCode::kMalformed);
  EXPECT_EQ(code_of("hello"), ErrorCode::kMalformed);
  EXPECT_EQ(code_of("--XyZ\r\n"), ErrorCode::kMalformed);
  EXPECT_EQ(code_of("--XyZtail\r\n\r\n--XyZ--"), ErrorCode::kMalformed);
  EXPECT_EQ(code_of(part("form-data; name=a", "cut off")), ErrorCode::kMalformed);
  EXPECT_EQ(code_of("--XyZ\r\nno header\r\n\r\nx\r\n--XyZ--"), ErrorCode::kMalformed);
  EXPECT_EQ(code_of("--XyZ\r\nContent-Type: text/plain\r\n\r\nx\r\n--XyZ--"), ErrorCode::kMalformed);
  EXPECT_EQ(code_of("--XyZ\r\n\r\nx\r\n--XyZ--"), ErrorCode::kMalformed);
  EXPECT_EQ(code_of(part("attachment; name=a", "x") + std::string(kEnd)), ErrorCode::kMalformed);
  EXPECT_EQ(code_of(part("form-data; name=a", "eA==", "Content-Transfer-Encoding: base64\r\n") + std::string(kEnd)),
            ErrorCode::kMalformed);
}

TEST(Multipart, IsBounded) {
  std::string body;
  for (int i = 0; i < 100; ++i) body += part("form-data; name=a", "x");
  EXPECT_EQ(parse(body + std::string(kEnd)).size(), 100u);
  EXPECT_EQ(code_of(body + part("form-data; name=a", "x") + std::string(kEnd)), ErrorCode::kLimit);
  EXPECT_EQ(code_of(part("form-data; name=a", "x", "X: " + std::string(20'000, 'y') + "\r\n") + std::string(kEnd)),
            ErrorCode::kLimit);
  const auto parts = parse(part("form-data; name=a; filename=\"" + std::string(5'000, 'n') + ".txt\"", "x") + std::string(kEnd));
  EXPECT_EQ(parts[0].filename.size(), 4096u);
  EXPECT_TRUE(parts[0].filename.ends_with(".txt"));
}

}  // namespace
}  // namespace docmind::server
