// Which paragraph styles of a DOCX are headings, from word/styles.xml.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/docx_styles.h"

namespace docmind::ingest {

uint8_t heading_level_of_name(std::string_view name) {
  constexpr std::string_view kHeading = "heading";
  if (name.size() < kHeading.size() + 1 || name.size() > kHeading.size() + 2) return 0;
  for (size_t i = 0; i < kHeading.size(); ++i) {
    if ((name[i] | 0x20) != kHeading[i]) return 0;
  }
  const char digit = name.back();
  if (name.size() == kHeading.size() + 2 && name[kHeading.size()] != ' ') return 0;
  return digit >= '1' && digit <= '9' ? static_cast<uint8_t>(digit - '0') : uint8_t{0};
}

uint8_t outline_level(std::string_view value) {
  if (value.size() != 1 || value[0] < '0' || value[0] > '8') return 0;
  return static_cast<uint8_t>(value[0] - '0' + 1);
}

DocxStyles::Meaning DocxStyles::meaning(std::string_view style_id) const {
  constexpr int kMaxSteps = 10;
  std::string_view id = style_id;
  for (int step = 0; step < kMaxSteps && !id.empty(); ++step) {
    const auto found = styles_.find(id);
    if (found == styles_.end()) break;
    const Style& style = found->second;
    if (style.body) return {};
    if (style.level > 0 || style.title) return {.level = style.level, .title = style.title};
    id = style.based_on;
  }
  if (styles_.contains(style_id)) return {};
  return {.level = heading_level_of_name(style_id), .title = style_id == "Title"};
}

void DocxStyles::start(std::string_view name, const XmlAttributes& attributes) {
  constexpr size_t kMaxStyles = 50'000;
  if (name == "style") {
    current_ = nullptr;
    const std::string_view type = attributes.get("type");
    if ((type.empty() || type == "paragraph") && styles_.size() < kMaxStyles) {
      current_ = &styles_[std::string(attributes.get("styleId"))];
    }
    return;
  }
  if (current_ == nullptr) return;
  const std::string_view value = attributes.get("val");
  if (name == "name") {
    current_->level = heading_level_of_name(value);
    current_->title = value == "Title" || value == "title";
  } else if (name == "basedOn") {
    current_->based_on = value;
  } else if (name == "outlineLvl" && current_->level == 0) {
    current_->level = outline_level(value);
    current_->body = current_->level == 0;
  }
}

void DocxStyles::end(std::string_view name) {
  if (name == "style") current_ = nullptr;
}

}  // namespace docmind::ingest
