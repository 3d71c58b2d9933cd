// Hashes against published vectors, and digests of fields that cannot be shifted.
// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <gtest/gtest.h>

#include <set>

namespace docmind {
namespace {

// The vectors of FIPS 180-4's examples.
TEST(Sha256, MatchesThePublishedVectors) {
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(to_hex(sha256(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, SeesEveryByte) {
  EXPECT_NE(sha256(std::string("a\0b", 3)), sha256(std::string("a\0c", 3)));
  EXPECT_NE(sha256(std::string_view("\0", 1)), sha256(""));
}

TEST(StreamHasher, IsTheHashOfAllPiecesAndBeginsAnew) {
  StreamHasher hasher;
  hasher.add("a");
  hasher.add("");
  hasher.add("bc");
  EXPECT_EQ(hasher.finish(), sha256("abc"));
  hasher.add("x");
  EXPECT_EQ(hasher.finish(), sha256("x"));
  EXPECT_EQ(hasher.finish(), sha256(""));
}

TEST(ToHex, PrintsLeadingZerosInLowerCase) {
  Digest digest{};
  digest[0] = 0x0a;
  digest[31] = 0xff;
  EXPECT_EQ(to_hex(digest), "0a" + std::string(60, '0') + "ff");
}

// XXH3's own test values: stores and tables written on one machine are read on another.
TEST(Hash64, IsXxh3AndStable) {
  EXPECT_EQ(hash64(""), 0x2d06800538d394c2u);
  EXPECT_EQ(hash64("abc"), 0x78af5f94892f3950u);
  EXPECT_NE(hash64("abc", 1), hash64("abc", 0));
  EXPECT_NE(hash64(std::string_view("a\0", 2)), hash64("a"));
}

TEST(FieldHasher, PutsTheLengthBeforeEachField) {
  const std::string encoded("\x02\0\0\0\0\0\0\0ab\x01\0\0\0\0\0\0\0c", 19);
  EXPECT_EQ(FieldHasher().add("ab").add("c").finish(), sha256(encoded));
  const std::string number("\x08\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0", 16);
  EXPECT_EQ(FieldHasher().add(int64_t{5}).finish(), sha256(number));
}

TEST(FieldHasher, DiffersWhenTextMovesBetweenFields) {
  std::set<Digest> digests;
  digests.insert(FieldHasher().finish());
  digests.insert(FieldHasher().add("").finish());
  digests.insert(FieldHasher().add("").add("").finish());
  digests.insert(FieldHasher().add("abc").finish());
  digests.insert(FieldHasher().add("ab").add("c").finish());
  digests.insert(FieldHasher().add("a").add("bc").finish());
  digests.insert(FieldHasher().add("c").add("ab").finish());
  digests.insert(FieldHasher().add("abc").add("").finish());
  digests.insert(FieldHasher().add("").add("abc").finish());
  EXPECT_EQ(digests.size(), 9u);
}

}  // namespace
}  // namespace docmind
