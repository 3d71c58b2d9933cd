// Multipart bodies: any content under any boundary comes back, and any bytes are taken or refused within bounds.
// SPDX-License-Identifier: Apache-2.0
#include "server/multipart.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace docmind::server {
namespace {

// Bytes that meet the delimiter's more often than chance would have it.
rc::Gen<std::string> content(const std::string& boundary) {
  const auto piece = rc::gen::oneOf(rc::gen::just(std::string("\r\n")), rc::gen::just(std::string("--")),
                                    rc::gen::just(boundary.substr(0, boundary.size() / 2)),
                                    rc::gen::just(std::string("\r")), rc::gen::just(std::string(1, '\0')),
                                    rc::gen::container<std::string>(rc::gen::arbitrary<char>()));
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece), [](const std::vector<std::string>& pieces) {
    std::string all;
    for (const std::string& one : pieces) all += one;
    return all;
  });
}

TEST(MultipartProperty, EveryContentComesBack) {
  const bool ok = rc::check([] {
    const auto letters = *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab-Z'0 "))));
    const std::string boundary = letters.substr(0, 69) + "q";
    const auto contents = *rc::gen::container<std::vector<std::string>>(content(boundary));
    RC_PRE(contents.size() <= 100u);
    std::string body;
    for (const std::string& one : contents) {
      RC_PRE(one.find("--" + boundary) == std::string::npos);
      body += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n" + one + "\r\n";
    }
    body += "--" + boundary + "--\r\n";
    const auto parts = parse_multipart(body, boundary);
    RC_ASSERT(parts.ok());
    RC_ASSERT(parts->size() == contents.size());
    for (size_t i = 0; i < contents.size(); ++i) {
      RC_ASSERT(body.substr((*parts)[i].begin, (*parts)[i].size()) == contents[i]);
    }
  });
  EXPECT_TRUE(ok);
}

TEST(MultipartProperty, CutBodiesAreRefused) {
  const bool ok = rc::check([] {
    const auto text = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
    RC_PRE(text.find("--b") == std::string::npos);
    const std::string body = "--b\r\nContent-Disposition: form-data; name=f\r\n\r\n" + text + "\r\n--b--";
    const auto length = *rc::gen::inRange<size_t>(0, body.size());
    RC_ASSERT(!parse_multipart(std::string_view(body).substr(0, length), "b").ok());
  });
  EXPECT_TRUE(ok);
}

}  // namespace
}  // namespace docmind::server
