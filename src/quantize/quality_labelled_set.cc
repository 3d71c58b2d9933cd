// Labelled sets: documents and queries with graded answers, from JSON lines.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "quantize/quality.h"

namespace docmind::quantize {

extern const std::string_view kSampleText;    // sample_text.txt
extern const std::string_view kLabelledSet;   // labelled_set.jsonl

namespace {

constexpr size_t kMostLineBytes = size_t{1} << 20;
constexpr size_t kMostLineDepth = 4;

// An identifier and the grade of the document that has it.
using Grade = std::pair<std::string, double>;

struct OpenQuery {
  size_t line = 0;
  std::string text;
  std::vector<Grade> grades;
};

class SetReader {
 public:
  Status read(std::string_view line, size_t number) {
    line_ = number;
    Result<json::value> value = parse_json(line, kMostLineDepth, kMostLineBytes);
    if (!value.ok()) return malformed(value.error().message);
    const json::object* object = value->if_object();
    if (object == nullptr) return malformed("not an object");
    if (object->contains("query")) return read_query(*object);
    if (object->contains("text")) return read_document(*object);
    return malformed(R"(neither "text" of a document nor "query")");
  }

  Result<LabelledSet> finish() {
    LabelledSet set{.documents = std::move(documents_), .queries = {}};
    for (OpenQuery& open : queries_) {
      line_ = open.line;
      LabelledQuery query{.text = std::move(open.text), .relevant = {}};
      for (const auto& [id, grade] : open.grades) {
        const auto found = places_.find(id);
        if (found == places_.end()) return malformed(fmt::format("no document has the id \"{}\"", printable(id)));
        if (grade > 0) query.relevant.emplace_back(found->second, grade);
      }
      if (query.relevant.empty()) return malformed("no document answers the query");
      set.queries.push_back(std::move(query));
    }
    return set;
  }

 private:
  Error malformed(std::string_view what) const {
    return Error{ErrorCode::kMalformed, fmt::format("line {} of the labelled set: {}", line_, what)};
  }

  // A string, or a whole number as a string.
  static std::optional<std::string> id_of(const json::value* value) {
    if (value == nullptr) return std::nullopt;
    if (const json::string* text = value->if_string()) return std::string(*text);
    if (const int64_t* number = value->if_int64()) return fmt::format("{}", *number);
    return std::nullopt;
  }

  Result<std::string> text_of(const json::object& object, std::string_view key) const {
    const json::value* value = object.if_contains(key);
    const json::string* text = value == nullptr ? nullptr : value->if_string();
    if (text != nullptr && !trim(*text).empty()) return std::string(*text);
    return malformed(fmt::format("\"{}\" is no text", key));
  }

  Status read_document(const json::object& object) {
    const std::optional<std::string> id = id_of(object.if_contains("id"));
    if (!id) return malformed(R"(a document needs an "id")");
    DM_ASSIGN(std::string text, text_of(object, "text"));
    if (!places_.emplace(*id, documents_.size()).second) {
      return malformed(fmt::format("a second document has the id \"{}\"", printable(*id)));
    }
    documents_.push_back(std::move(text));
    return {};
  }

  Status read_query(const json::object& object) {
    OpenQuery query{.line = line_, .text = {}, .grades = {}};
    DM_ASSIGN(query.text, text_of(object, "query"));
    const json::value* relevant = object.if_contains("relevant");
    if (relevant != nullptr && relevant->is_array()) {
      for (const json::value& value : relevant->get_array()) {
        const std::optional<std::string> id = id_of(&value);
        if (!id) return malformed(R"("relevant" holds something that is no id)");
        query.grades.emplace_back(*id, 1);
      }
    } else if (relevant != nullptr && relevant->is_object()) {
      for (const auto& [id, value] : relevant->get_object()) {
        const double grade = value.is_number() ? value.to_number<double>() : -1;
        if (!std::isfinite(grade) || grade < 0) {
          return malformed(fmt::format("the grade of \"{}\" is no number of 0 or more", printable(id)));
        }
        query.grades.emplace_back(std::string(id), grade);
      }
    } else {
      return malformed(R"(a query needs "relevant", an array of ids or an object of grades by id)");
    }
    queries_.push_back(std::move(query));
    return {};
  }

  size_t line_ = 0;
  std::vector<std::string> documents_;
  std::map<std::string, size_t, std::less<>> places_;  // of documents by id
  std::vector<OpenQuery> queries_;
};

}  // namespace

Result<LabelledSet> parse_labelled_set(std::string_view jsonl) {
  SetReader reader;
  for (size_t number = 1; !jsonl.empty(); ++number) {
    const size_t end = std::min(jsonl.size(), jsonl.find('\n'));
    const std::string_view line = trim(jsonl.substr(0, end));
    if (!line.empty()) DM_TRY(reader.read(line, number));
    jsonl.remove_prefix(std::min(jsonl.size(), end + 1));
  }
  return reader.finish();
}

LabelledSet builtin_labelled_set() {
  Result<LabelledSet> set = parse_labelled_set(kLabelledSet);
  return set.ok() ? std::move(set).value() : LabelledSet{};  // which a test holds against; an empty set is refused
}

std::string_view builtin_sample_text() { return kSampleText; }

}  // namespace docmind::quantize
