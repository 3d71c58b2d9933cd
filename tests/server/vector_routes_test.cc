// Embeddings and reranks of every dialect: numbers, shapes, truncation that is told, refusals.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include <openssl/evp.h>

#include "server/dialect_bed.h"

namespace docmind::server::test {
namespace {

std::vector<double> numbers(const json::value& value) {
  std::vector<double> all;
  for (const json::value& one : value.as_array()) all.push_back(one.to_number<double>());
  return all;
}

std::string long_text() {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "pump ";
  return text;
}

TEST(Embeddings, FloatsAndBase64AreTheSameNumbers) {
  DialectBed bed;
  json::object body{{"model", "nano-embed"}, {"input", json::array{"one pump", "two pumps"}}};
  const Reply floats = bed.post("/v1/embeddings", body);
  ASSERT_EQ(floats.status, 200) << floats.body;
  EXPECT_EQ(floats.json().at("object"), "list");
  const json::array rows = floats.json().at("data").as_array();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].at("index").as_int64(), 1);
  EXPECT_GT(floats.json().at("usage").at("prompt_tokens").as_int64(), 0);
  body["encoding_format"] = "base64";
  const std::string coded(bed.post("/v1/embeddings", body).json().at("data").at(1).at("embedding").as_string());
  std::string bytes(coded.size(), '\0');
  const int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                reinterpret_cast<const unsigned char*>(coded.data()), static_cast<int>(coded.size()));
  const std::vector<double> expected = numbers(rows[1].at("embedding"));
  ASSERT_GE(n, static_cast<int>(expected.size() * 4));
  for (size_t i = 0; i < expected.size(); ++i) {
    float value = 0;
    std::memcpy(&value, bytes.data() + 4 * i, 4);
    EXPECT_EQ(value, static_cast<float>(expected[i]));
  }
}

TEST(Embeddings, DimensionsAreCutAndUnitLengthAgain) {
  DialectBed bed;
  const json::object body{{"input", "one pump"}, {"dimensions", 64}};
  const std::vector<double> row = numbers(bed.post("/v1/embeddings", body).json().at("data").at(0).at("embedding"));
  ASSERT_EQ(row.size(), 64u);
  double square = 0;
  for (const double x : row) square += x * x;
  EXPECT_NEAR(square, 1, 1e-4);
  const Reply over = bed.post("/v1/embeddings", json::object{{"input", "x"}, {"dimensions", 257}});
  EXPECT_EQ(over.status, 400);
  EXPECT_EQ(text_at(error_of(over), "param"), "dimensions");
}

TEST(Embeddings, NothingIsCutInSilence) {
  DialectBed bed;
  json::object body{{"input", json::array{"short", long_text()}}};
  const Reply over = bed.post("/v1/embeddings", body);
  EXPECT_EQ(over.status, 400);
  const json::object error = error_of(over);
  EXPECT_EQ(text_at(error, "code"), "context_length_exceeded");
  EXPECT_EQ(text_at(error, "param"), "input[1]");
  EXPECT_EQ(error.at("n_ctx").as_int64(), 64);
  EXPECT_GT(error.at("n_prompt_tokens").as_int64(), 64);
  body["truncate"] = true;
  const Reply cut = bed.post("/v1/embeddings", body);
  ASSERT_EQ(cut.status, 200) << cut.body;
  EXPECT_EQ(cut.json().at("usage").at("truncated_tokens").as_int64(), error.at("n_prompt_tokens").as_int64() - 64);
  EXPECT_FALSE(cut.header("x-docmind-truncated-tokens").empty());
  body.erase("truncate");
  body["truncate_prompt_tokens"] = 10;
  EXPECT_EQ(bed.post("/v1/embeddings", body).json().at("usage").at("truncated_tokens").as_int64(),
            error.at("n_prompt_tokens").as_int64() - 10);
}

TEST(Embeddings, RefuseWhatMeansNothing) {
  DialectBed bed;
  for (const char* input : {"[1,2,3]", "[[1,2],[3]]"}) {
    const Reply ids = bed.call("POST", "/v1/embeddings", std::string(R"({"input":)") + input + "}");
    EXPECT_EQ(ids.status, 400);
    EXPECT_NE(text_at(error_of(ids), "message").find("check_embedding_ctx_length"), std::string::npos);
  }
  for (const char* body : {"{}", R"({"input":[]})", R"({"input":""})", R"({"input":["a",""]})", R"({"input":[null]})",
                           R"({"input":"a","encoding_format":"hex"})", R"({"input":"a","dimensions":0})"}) {
    EXPECT_EQ(bed.call("POST", "/v1/embeddings", body).status, 400) << body;
  }
  EXPECT_EQ(bed.post("/v1/embeddings", json::object{{"input", "a"}, {"model", "nowhere"}}).status, 404);
  EXPECT_EQ(bed.post("/v1/embeddings", json::object{{"input", "a"}, {"model", "nano"}}).status, 400);
  bed.service.is_full = true;
  const Reply full = bed.post("/v1/embeddings", json::object{{"input", "a"}});
  EXPECT_EQ(full.status, 503);
  EXPECT_EQ(full.header("retry-after"), "3");
}

TEST(Embeddings, TheLexicalModelStandsInForOne) {
  DialectBed bed{pipeline::Models{}};
  const Reply reply = bed.post("/v1/embeddings", json::object{{"input", json::array{"a b", "c"}}});
  EXPECT_EQ(reply.json().at("model"), "docmind-lexical");
  EXPECT_EQ(numbers(reply.json().at("data").at(1).at("embedding")).size(), 2u);
}

TEST(Rerank, BestFirstInJinasAndCoheresShape) {
  DialectBed bed;
  json::object body{{"query", "pump"},
                    {"documents", json::array{"a pump", json::object{{"text", "the boiler hums"}}, "leave"}}};
  for (const char* path : {"/v1/rerank", "/v2/rerank", "/rerank", "/reranking", "/v1/reranking"}) {
    const Reply reply = bed.post(path, body);
    ASSERT_EQ(reply.status, 200) << path << reply.body;
    const json::array results = reply.json().at("results").as_array();
    ASSERT_EQ(results.size(), 3u);
    for (size_t i = 1; i < 3; ++i) {
      EXPECT_GE(results[i - 1].at("relevance_score").to_number<double>(),
                results[i].at("relevance_score").to_number<double>());
    }
    EXPECT_FALSE(results[0].as_object().contains("document"));
    EXPECT_EQ(reply.json().at("meta").at("billed_units").at("search_units").as_int64(), 1);
  }
  body["top_n"] = 1;
  body["return_documents"] = true;
  const json::array one = bed.post("/v2/rerank", body).json().at("results").as_array();
  ASSERT_EQ(one.size(), 1u);
  EXPECT_TRUE(one[0].at("document").at("text").is_string());
}

TEST(Rerank, TeisShapeIsToldApartByTexts) {
  DialectBed bed;
  json::object body{{"query", "pump"}, {"texts", json::array{"a pump", "leave"}}, {"return_text", true}};
  const json::array ranks = bed.post("/rerank", body).json().as_array();
  ASSERT_EQ(ranks.size(), 2u);
  EXPECT_TRUE(ranks[0].at("text").is_string());
  const double probability = ranks[0].at("score").to_number<double>();
  body["raw_scores"] = true;
  const double logit = bed.post("/rerank", body).json().at(0).at("score").to_number<double>();
  EXPECT_NEAR(probability, 1 / (1 + std::exp(-logit)), 1e-6);
  body["texts"] = json::array{};
  const Reply empty = bed.post("/rerank", body);
  EXPECT_EQ(empty.status, 400);
  EXPECT_EQ(empty.json().at("error_type"), "empty");
}

TEST(Rerank, NothingIsCutInSilence) {
  DialectBed bed;
  json::object body{{"query", "pump"}, {"documents", json::array{"short", long_text()}}};
  const Reply over = bed.post("/v1/rerank", body);
  EXPECT_EQ(over.status, 400);
  EXPECT_EQ(text_at(error_of(over), "code"), "context_length_exceeded");
  EXPECT_EQ(text_at(error_of(over), "param"), "documents[1]");
  body["max_tokens_per_doc"] = 8;
  const Reply cut = bed.post("/v1/rerank", body);
  ASSERT_EQ(cut.status, 200) << cut.body;
  EXPECT_GT(cut.json().at("usage").at("truncated_tokens").as_int64(), 0);
  EXPECT_LT(cut.json().at("usage").at("prompt_tokens").as_int64(), 40) << "eight of the document, and the query twice";
  body = {{"query", "pump"}, {"texts", json::array{long_text()}}};
  EXPECT_EQ(bed.post("/rerank", body).status, 422) << "as TEI says it";
  body["truncate"] = true;
  EXPECT_FALSE(bed.post("/rerank", body).header("x-docmind-truncated-tokens").empty());
  for (const char* bad :
       {R"({"documents":["a"]})", R"({"query":"","documents":["a"]})", R"({"query":"a","documents":[]})",
        R"({"query":"a","documents":[1]})", R"({"query":"a","documents":["a"],"top_n":0})"}) {
    EXPECT_EQ(bed.call("POST", "/v1/rerank", bad).status, 400) << bad;
  }
}

TEST(Rerank, TheLexicalModelStandsInForOne) {
  DialectBed bed{pipeline::Models{}};
  const Reply reply =
      bed.post("/v1/rerank", json::object{{"query", "x"}, {"documents", json::array{"a", "longest", "ab"}}});
  EXPECT_EQ(reply.json().at("model"), "docmind-lexical");
  EXPECT_EQ(reply.json().at("results").at(0).at("index").as_int64(), 1);
}

TEST(Tei, EmbedsInfoAndTokens) {
  DialectBed bed;
  const Reply vectors = bed.post("/embed", json::object{{"inputs", json::array{"one pump", "two"}}});
  ASSERT_EQ(vectors.status, 200) << vectors.body;
  EXPECT_EQ(vectors.json().as_array().size(), 2u);
  EXPECT_EQ(bed.post("/embed", json::object{{"inputs", "one pump"}}).json().as_array().size(), 1u);
  const Reply over = bed.post("/embed", json::object{{"inputs", long_text()}});
  EXPECT_EQ(over.status, 422);
  EXPECT_TRUE(over.json().at("error").is_string());
  EXPECT_EQ(bed.post("/embed", json::object{{"inputs", "x"}, {"normalize", false}}).status, 422);
  const json::value info = bed.call("GET", "/info").json();
  EXPECT_EQ(info.at("model_id"), "nano-embed");
  EXPECT_EQ(info.at("max_input_length").as_int64(), 64);
  EXPECT_EQ(info.at("model_type").at("embedding").at("pooling"), "cls");
  EXPECT_EQ(info.at("version"), "1.2.3");
  const json::value tokens = bed.post("/tokenize", json::object{{"inputs", "one pump"}}).json();
  EXPECT_TRUE(tokens.at(0).at(0).at("special").as_bool());
  json::array ids;
  for (const json::value& token : tokens.at(0).as_array()) ids.push_back(token.at("id"));
  EXPECT_EQ(bed.post("/decode", json::object{{"ids", ids}}).json().as_array().size(), 1u);
  EXPECT_EQ(bed.post("/decode", json::object{{"ids", json::array{1 << 20}}}).status, 422);
}

}  // namespace
}  // namespace docmind::server::test
