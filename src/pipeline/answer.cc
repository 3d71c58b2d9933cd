// What `ask` and `search` return, and its form in the cache and in JSON.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/answer.h"

#include "base/text.h"

namespace docmind::pipeline {
namespace {

constexpr int64_t kAnswerVersion = 1;
constexpr size_t kMaxAnswerBytes = 16u << 20;
constexpr int kMaxAnswerDepth = 8;

// A path is bytes, JSON is text: each byte becomes the code point of its value and back.
std::string bytes_as_text(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text.push_back(c);
    } else {
      text.push_back(static_cast<char>(0xc0 | (byte >> 6)));
      text.push_back(static_cast<char>(0x80 | (byte & 0x3f)));
    }
  }
  return text;
}

std::string text_as_bytes(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80 || i + 1 == text.size()) {
      bytes.push_back(text[i]);
    } else {
      const auto tail = static_cast<unsigned char>(text[++i]);
      bytes.push_back(static_cast<char>(((lead & 0x03) << 6) | (tail & 0x3f)));
    }
  }
  return bytes;
}

json::value page_or_null(uint32_t page) {
  return page == 0 ? json::value(nullptr) : json::value(page);
}

// The place in a source, with the same keys for passages and citations.
template <typename Source>
json::object source_to_json(const Source& source) {
  return {{"path", to_valid_utf8(source.path)}, {"title", source.title},
          {"heading", source.heading},          {"start_line", source.start_line},
          {"end_line", source.end_line},        {"page", page_or_null(source.page)},
          {"end_page", page_or_null(source.end_page)}};
}

json::object citation_to_json(const Citation& citation) {
  json::object object = source_to_json(citation);
  object["number"] = citation.number;
  object["quotes"] = json::value_from(citation.quotes);
  object["changed_on_disk"] = citation.changed_on_disk;
  return object;
}

// Reads fields of a cached object; any surprise makes the whole answer malformed.
class Fields {
 public:
  explicit Fields(const json::value& value) : object_(value.if_object()) { ok_ = object_ != nullptr; }

  std::string text(std::string_view key) {
    const json::value* value = find(key);
    const json::string* string = value != nullptr ? value->if_string() : nullptr;
    if (string == nullptr) return fail<std::string>();
    return std::string(*string);
  }
  uint32_t number(std::string_view key) {
    const json::value* value = find(key);
    if (value != nullptr && value->is_null()) return 0;
    const int64_t* number = value != nullptr ? value->if_int64() : nullptr;
    if (number == nullptr || *number < 0 || *number > UINT32_MAX) return fail<uint32_t>();
    return static_cast<uint32_t>(*number);
  }
  double real(std::string_view key) {
    const json::value* value = find(key);
    if (value == nullptr || !value->is_number()) return fail<double>();
    return value->to_number<double>();
  }
  bool boolean(std::string_view key) {
    const json::value* value = find(key);
    const bool* flag = value != nullptr ? value->if_bool() : nullptr;
    return flag != nullptr ? *flag : fail<bool>();
  }
  const json::array& array(std::string_view key) {
    static const json::array kEmpty;
    const json::value* value = find(key);
    const json::array* items = value != nullptr ? value->if_array() : nullptr;
    if (items != nullptr) return *items;
    ok_ = false;
    return kEmpty;
  }
  template <typename Source>
  void source(Source& out) {
    out.path = text_as_bytes(text("path"));
    out.title = text("title");
    out.heading = text("heading");
    out.start_line = number("start_line");
    out.end_line = number("end_line");
    out.page = number("page");
    out.end_page = number("end_page");
  }
  bool ok() const { return ok_; }

 private:
  template <typename T>
  T fail() {
    ok_ = false;
    return T{};
  }
  const json::value* find(std::string_view key) const {
    return object_ != nullptr ? object_->if_contains(key) : nullptr;
  }
  const json::object* object_;
  bool ok_ = false;
};

bool read_citation(const json::value& value, Citation& citation) {
  Fields fields(value);
  fields.source(citation);
  citation.number = static_cast<int>(fields.number("number"));
  for (const json::value& quote : fields.array("quotes")) {
    const json::string* text = quote.if_string();
    if (text == nullptr) return false;
    citation.quotes.emplace_back(*text);
  }
  return fields.ok();
}

bool read_passage(const json::value& value, Passage& passage) {
  Fields fields(value);
  fields.source(passage);
  passage.text = fields.text("text");
  passage.score = fields.real("score");
  passage.relevance = fields.real("relevance");
  return fields.ok();
}

bool read_answer(const json::value& value, Answer& answer) {
  Fields fields(value);
  if (fields.number("version") != kAnswerVersion) return false;
  answer.question = fields.text("question");
  answer.text = fields.text("text");
  answer.answered = fields.boolean("answered");
  answer.provider = fields.text("provider");
  for (const json::value& item : fields.array("citations")) {
    if (!read_citation(item, answer.citations.emplace_back())) return false;
  }
  for (const json::value& item : fields.array("passages")) {
    if (!read_passage(item, answer.passages.emplace_back())) return false;
  }
  return fields.ok();
}

}  // namespace

std::string_view cache_state_name(CacheState state) {
  switch (state) {
    case CacheState::kOff: return "off";
    case CacheState::kMiss: return "miss";
    case CacheState::kMemory: return "memory";
    case CacheState::kDisk: return "disk";
    case CacheState::kShared: return "shared";
  }
  return "unknown";
}

std::string location_of(const std::string& path, uint32_t start_line, uint32_t end_line,
                        uint32_t page, uint32_t end_page) {
  if (page > 0 && end_page > page) {
    return path + ", pages " + std::to_string(page) + "-" + std::to_string(end_page);
  }
  if (page > 0) return path + ", page " + std::to_string(page);
  std::string where = path + ":" + std::to_string(start_line);
  if (end_line > start_line) where += "-" + std::to_string(end_line);
  return where;
}

json::value passage_to_json(const Passage& passage) {
  json::object object = source_to_json(passage);
  object["score"] = passage.score;
  object["relevance"] = passage.relevance;
  object["text"] = passage.text;
  return object;
}

json::value cached_to_json(const CachedFrom& cached) {
  return json::object{
      {"id", cached.id},
      {"question", to_valid_utf8(cached.question)},
      {"similarity", cached.similarity},
      {"agreement", cached.agreement},
      {"probability", cached.probability ? json::value(*cached.probability) : json::value()},
      {"verified", cached.verified},
      {"evidence_checked", cached.evidence_checked},
      {"age_ms", cached.age_ms},
      {"saved_ms", cached.saved_ms},
      {"saved_tokens", cached.saved_tokens}};
}

json::value answer_to_json(const Answer& answer, bool with_passages) {
  json::array citations;
  for (const Citation& citation : answer.citations) citations.push_back(citation_to_json(citation));
  json::object stages;
  for (const StageTime& stage : answer.stages) stages[stage.stage] = stage.ms;
  json::object object{{"question", to_valid_utf8(answer.question)},
                      {"answered", answer.answered},
                      {"answer", answer.text},
                      {"citations", std::move(citations)},
                      {"provider", answer.provider},
                      {"cache", cache_state_name(answer.cache)},
                      {"revalidated", answer.revalidated},
                      {"stale", answer.stale},
                      {"cache_id", answer.cache_id},
                      {"cached", answer.cached ? cached_to_json(*answer.cached) : json::value()},
                      {"total_ms", answer.total_ms},
                      {"stages_ms", std::move(stages)}};
  if (!answer.route.empty()) object["route"] = to_valid_utf8(answer.route);
  if (with_passages) {
    json::array passages;
    for (const Passage& passage : answer.passages) passages.push_back(passage_to_json(passage));
    object["passages"] = std::move(passages);
  }
  return object;
}

std::string encode_answer(const Answer& answer) {
  json::array citations;
  for (const Citation& citation : answer.citations) {
    json::object object = citation_to_json(citation);
    object["path"] = bytes_as_text(citation.path);
    citations.push_back(std::move(object));
  }
  json::array passages;
  for (const Passage& passage : answer.passages) {
    json::object object = passage_to_json(passage).as_object();
    object["path"] = bytes_as_text(passage.path);
    passages.push_back(std::move(object));
  }
  return json::serialize(json::object{{"version", kAnswerVersion},
                                      {"question", to_valid_utf8(answer.question)},
                                      {"text", answer.text},
                                      {"answered", answer.answered},
                                      {"provider", answer.provider},
                                      {"citations", std::move(citations)},
                                      {"passages", std::move(passages)}});
}

Result<Answer> decode_answer(std::string_view bytes) {
  DM_ASSIGN(const json::value value, parse_json(bytes, kMaxAnswerDepth, kMaxAnswerBytes));
  Answer answer;
  if (!read_answer(value, answer)) {
    return Error{ErrorCode::kMalformed, "the cached answer does not have the form of version " +
                                            std::to_string(kAnswerVersion)};
  }
  return answer;
}

}  // namespace docmind::pipeline
