// What a store holds, to compare a store that was hurt with one that was not.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/hash.h"
#include "index/store_samples.h"
#include "support/docmind.h"

namespace docmind::test {

// Path of each document with its content hash and the places and texts of its chunks.
inline std::map<std::string, std::string> store_content(const std::string& folder) {
  const index::StoreReader reader = must(index::StoreReader::open(folder));
  std::map<std::string, std::string> content;
  for (const index::DocumentRecord& record : must(reader.documents_below(""))) {
    content[record.path] = to_hex(record.content_hash) + " " + std::to_string(record.n_chunks) + "\n";
  }
  for (const index::StoredChunk& chunk : must(reader.chunks(chunk_ids(reader)))) {
    content[chunk.path] += std::to_string(chunk.begin) + "-" + std::to_string(chunk.end) + " " +
                           chunk.heading + ": " + chunk.text + "\n";
  }
  return content;
}

// Throws unless the store in `folder` is sound. Recovers it first, as the next writer would.
inline void check_store_in(const std::string& folder) {
  check_store(must(index::StoreWriter::open(folder, {})));
}

// Expects that what is committed can be searched and asked; says how many documents that is.
inline int64_t expect_usable(const Sandbox& box, const std::string& query) {
  const ProcessResult status = box.run({"status", "--json"});
  if (status.code != 0) {
    EXPECT_TRUE(contains(status.err, "run: docmind index PATH")) << status.err;
    return 0;
  }
  const int64_t n_documents = number(must(parse_json(status.out, 32, 64u << 20)), "documents");
  const ProcessResult search = box.run({"search", query});
  const ProcessResult ask = box.run({"ask", query});
  EXPECT_EQ(search.code, n_documents > 0 ? 0 : 1) << search.err;
  EXPECT_EQ(ask.code, n_documents > 0 ? 0 : 1) << ask.err;
  return n_documents;
}

// Indexes docs/ into a second store without disturbance and expects the same content there.
inline void expect_like_undisturbed(const Sandbox& box) {
  const std::string clean = box.folder.path("clean-store");
  const ProcessResult result = box.run({"index", "docs", "--store", clean});
  ASSERT_EQ(result.code, 0) << result.err;
  check_store_in(box.store());
  const auto hurt = store_content(box.store());
  const auto whole = store_content(clean);
  ASSERT_EQ(hurt.size(), whole.size());
  for (const auto& [path, content] : whole) {
    ASSERT_TRUE(hurt.contains(path)) << path;
    EXPECT_EQ(hurt.at(path), content) << path;
  }
  const json::value status = box.json_of({"status", "--json"});
  EXPECT_EQ(number(status, "vectors"), number(status, "chunks"));
}

}  // namespace docmind::test
