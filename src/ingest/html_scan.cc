// Two plain scans of HTML bytes: the declared charset, and a tag stripper for hopeless markup.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/html_scan.h"

#include <algorithm>

#include "ingest/utf8.h"

namespace docmind::ingest {
namespace {

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == ':' ||
         c == '.';
}

// The value behind `key` and an equals sign in a tag, with or without quotes.
std::string value_of(std::string_view tag, std::string_view key) {
  size_t at = tag.find(key);
  if (at == std::string_view::npos) return {};
  at = tag.find_first_not_of(" \t\r\n", at + key.size());
  if (at == std::string_view::npos || tag[at] != '=') return {};
  at = tag.find_first_not_of(" \t\r\n\"'", at + 1);
  if (at == std::string_view::npos) return {};
  size_t end = at;
  while (end < tag.size() && is_name_byte(tag[end])) ++end;
  return std::string(tag.substr(at, end - at));
}

size_t find_after(std::string_view text, std::string_view what, size_t from) {
  const size_t at = text.find(what, from);
  return at == std::string_view::npos ? text.size() : at + what.size();
}

// End of the element whose content is not markup; `name` is script or style.
size_t raw_text_end(std::string_view html, size_t from, std::string_view name) {
  for (size_t at = html.find("</", from); at != std::string_view::npos;
       at = html.find("</", at + 2)) {
    if (lower_ascii(html.substr(at + 2, name.size())) == name) return find_after(html, ">", at);
  }
  return html.size();
}

}  // namespace

std::string declared_charset(std::string_view bytes) {
  constexpr size_t kPrescanBytes = 4096;
  const std::string start = lower_ascii(bytes.substr(0, kPrescanBytes));
  if (start.starts_with("<?xml")) {
    const size_t end = std::min(start.find("?>"), start.size());
    if (std::string found = value_of(start.substr(0, end), "encoding"); !found.empty()) {
      return found;
    }
  }
  for (size_t at = start.find("<meta"); at != std::string::npos; at = start.find("<meta", at + 5)) {
    const size_t end = std::min(start.find('>', at), start.size());
    const std::string_view tag = std::string_view(start).substr(at, end - at);
    if (std::string found = value_of(tag, "charset"); !found.empty()) return found;
  }
  return {};
}

void strip_tags(std::string_view html, uint32_t line, HtmlCollector& collector) {
  size_t at = 0;
  size_t counted = 0;  // line ends before this offset are in `line`
  while (at < html.size()) {
    const size_t tag = std::min(html.find('<', at), html.size());
    if (tag > at) {
      line += static_cast<uint32_t>(std::count(html.begin() + static_cast<ptrdiff_t>(counted),
                                               html.begin() + static_cast<ptrdiff_t>(at), '\n'));
      counted = at;
      collector.text(html.substr(at, tag - at), line);
    }
    if (tag >= html.size()) return;
    if (html.substr(tag, 4) == "<!--") {
      at = find_after(html, "-->", tag + 4);
      continue;
    }
    size_t end = tag + 1 + (html.substr(tag, 2) == "</" ? 1 : 0);
    const size_t name_begin = end;
    while (end < html.size() && end - name_begin < 16 &&
           ((html[end] | 0x20) >= 'a' && (html[end] | 0x20) <= 'z')) {
      ++end;
    }
    const std::string name = lower_ascii(html.substr(name_begin, end - name_begin));
    at = find_after(html, ">", tag + 1);
    if (html[name_begin - 1] == '<' && (name == "script" || name == "style")) {
      at = raw_text_end(html, at, name);
    } else if (tag_info(name).kind != TagKind::kInline && tag_info(name).kind != TagKind::kLink) {
      collector.start("div", {});
      collector.end();
    }
  }
}

}  // namespace docmind::ingest
