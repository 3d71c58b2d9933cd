// Properties of the encoding of cached answers: round trip, and any bytes at all.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "cache/cached_answer.h"

namespace docmind::cache {
namespace {

std::string any_bytes(int max_size) {
  const auto size = *rc::gen::inRange(0, max_size);
  return *rc::gen::container<std::string>(static_cast<size_t>(size), rc::gen::arbitrary<char>());
}

CachedAnswer any_answer() {
  CachedAnswer answer;
  answer.payload = any_bytes(300);
  const auto n_dependencies = *rc::gen::inRange(0, 6);
  for (int i = 0; i < n_dependencies; ++i) {
    answer.dependencies.push_back({any_bytes(60), any_bytes(static_cast<int>(kMaxHashBytes) + 1)});
  }
  answer.id = *rc::gen::arbitrary<int64_t>();
  answer.sources = *rc::gen::container<std::vector<int64_t>>(rc::gen::arbitrary<int64_t>());
  answer.newest_chunk = *rc::gen::arbitrary<int64_t>();
  answer.negative = *rc::gen::arbitrary<bool>();
  answer.cost_ms = *rc::gen::inRange(0, 1'000'000) / 8.0;
  answer.cost_tokens = *rc::gen::arbitrary<int64_t>();
  answer.generation = *rc::gen::arbitrary<int64_t>();
  answer.created_unix_ms = *rc::gen::arbitrary<int64_t>();
  return answer;
}

TEST(CacheCodecProperty, RoundTrips) {
  EXPECT_TRUE(rc::check("decode(encode(answer)) == answer", [] {
    const CachedAnswer answer = any_answer();
    const Result<std::string> bytes = encode_cached_answer(answer);
    RC_ASSERT(bytes.ok());
    const Result<CachedAnswer> decoded = decode_cached_answer(*bytes);
    RC_ASSERT(decoded.ok());
    RC_ASSERT(*decoded == answer);
  }));
}

TEST(CacheCodecProperty, RefusesEveryTruncationAndExtension) {
  EXPECT_TRUE(rc::check("a part of an encoding is no encoding", [] {
    const std::string bytes = *encode_cached_answer(any_answer());
    const auto size = static_cast<size_t>(*rc::gen::inRange<int>(0, static_cast<int>(bytes.size())));
    RC_ASSERT(!decode_cached_answer(std::string_view(bytes).substr(0, size)).ok());
    RC_ASSERT(!decode_cached_answer(bytes + any_bytes(8) + "x").ok());
  }));
}

TEST(CacheCodecProperty, SurvivesFlippedBytes) {
  EXPECT_TRUE(rc::check("what decodes after a change encodes to the changed bytes", [] {
    std::string bytes = *encode_cached_answer(any_answer());
    const auto n_flips = *rc::gen::inRange(1, 5);
    for (int i = 0; i < n_flips; ++i) {
      const auto at = static_cast<size_t>(*rc::gen::inRange<int>(0, static_cast<int>(bytes.size())));
      bytes[at] = *rc::gen::arbitrary<char>();
    }
    const Result<CachedAnswer> decoded = decode_cached_answer(bytes);
    if (!decoded.ok()) return;
    RC_ASSERT(*encode_cached_answer(*decoded) == bytes);
  }));
}

TEST(CacheCodecProperty, SurvivesAnyBytes) {
  EXPECT_TRUE(rc::check("any bytes are decoded or refused", [] {
    std::string bytes = any_bytes(200);
    // Half of them get past the version byte.
    if (!bytes.empty() && *rc::gen::arbitrary<bool>()) bytes[0] = 2;
    const Result<CachedAnswer> decoded = decode_cached_answer(bytes);
    if (decoded.ok()) RC_ASSERT(*encode_cached_answer(*decoded) == bytes);
    else RC_ASSERT(decoded.error().code == ErrorCode::kMalformed);
  }));
}

TEST(CacheCodecProperty, RefusesHugeCountsWithoutAllocating) {
  std::string bytes = *encode_cached_answer(CachedAnswer{});
  const size_t count_at = 1 + 8 + 8 + 8 + 8 + 1 + 8 + 8;  // of the sources
  for (size_t i = 0; i < 4; ++i) bytes[count_at + i] = '\xff';
  EXPECT_FALSE(decode_cached_answer(bytes).ok());
}

}  // namespace
}  // namespace docmind::cache
