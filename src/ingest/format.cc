// Tells the format of a file from its extension and its first bytes.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string>

#include "ingest/decode.h"
#include "ingest/reader.h"

namespace docmind::ingest {
namespace {

using namespace std::string_view_literals;

struct Extension {
  std::string_view name;
  Format format;
};
constexpr std::array kExtensions = {
    Extension{"txt", Format::kText},       Extension{"text", Format::kText},
    Extension{"rst", Format::kText},       Extension{"adoc", Format::kText},
    Extension{"asciidoc", Format::kText},  Extension{"org", Format::kText},
    Extension{"tex", Format::kText},       Extension{"log", Format::kText},
    Extension{"csv", Format::kText},       Extension{"tsv", Format::kText},
    Extension{"md", Format::kMarkdown},    Extension{"markdown", Format::kMarkdown},
    Extension{"mdown", Format::kMarkdown}, Extension{"mkd", Format::kMarkdown},
    Extension{"html", Format::kHtml},      Extension{"htm", Format::kHtml},
    Extension{"xhtml", Format::kHtml},     Extension{"pdf", Format::kPdf},
    Extension{"docx", Format::kDocx},      Extension{"docm", Format::kDocx},
};

// Starts of things that are certainly none of ours, even where their bytes look like text.
constexpr std::array kForeignMagic = {
    "\x7F" "ELF"sv,     "\x89PNG"sv,       "\xFF\xD8\xFF"sv, "GIF87a"sv,       "GIF89a"sv,
    "\x1F\x8B"sv,       "BZh"sv,           "\xFD" "7zXZ"sv,  "\x28\xB5\x2F\xFD"sv,
    "7z\xBC\xAF\x27"sv, "Rar!\x1A"sv,      "\0asm"sv,        "\xCA\xFE\xBA\xBE"sv,
    "SQLite format 3"sv, "OggS"sv,         "fLaC"sv,         "ID3"sv,          "GGUF"sv,
    "!<arch>\n"sv,      "%!PS-Adobe"sv,    "{\\rtf"sv,       "wOFF"sv,         "wOF2"sv,
};
constexpr std::string_view kOleMagic = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv;
constexpr std::string_view kZipMagic = "PK\x03\x04"sv;

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

std::optional<Format> format_of_extension(std::string_view path) {
  const size_t slash = path.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  const size_t dot = name.rfind('.');
  // A name that is all extension (".md") is a hidden file, not a Markdown file.
  if (dot == std::string_view::npos || dot == 0 || name.size() - dot > 12) return std::nullopt;
  const std::string extension = lower_ascii(name.substr(dot + 1));
  const auto found = std::find_if(kExtensions.begin(), kExtensions.end(),
                                  [&](const Extension& e) { return e.name == extension; });
  if (found == kExtensions.end()) return std::nullopt;
  return found->format;
}

bool starts_like_html(std::string_view bytes) {
  std::string start = lower_ascii(bytes.substr(0, 1024));
  const size_t first = start.find_first_not_of("\xEF\xBB\xBF \t\r\n");
  if (first == std::string::npos) return false;
  start.erase(0, first);
  if (start.starts_with("<!doctype html") || start.starts_with("<html")) return true;
  const bool xml_or_comment = start.starts_with("<?xml") || start.starts_with("<!--");
  return xml_or_comment && (start.find("<html") != std::string::npos ||
                            start.find("<!doctype html") != std::string::npos);
}

}  // namespace

std::string_view format_name(Format format) {
  switch (format) {
    case Format::kText: return "text";
    case Format::kMarkdown: return "markdown";
    case Format::kHtml: return "html";
    case Format::kPdf: return "pdf";
    case Format::kDocx: return "docx";
  }
  return "unknown";
}

bool has_known_extension(std::string_view path) { return format_of_extension(path).has_value(); }

std::optional<Format> detect_format(std::string_view path, std::string_view bytes) {
  const std::optional<Format> named = format_of_extension(path);
  if (bytes.empty()) return named.value_or(Format::kText);
  // The PDF header may stand behind up to 1 KiB of other bytes.
  const bool pdf_start = bytes.substr(0, 5) == "%PDF-";
  if (pdf_start || (named == Format::kPdf && bytes.substr(0, 1024).find("%PDF-"sv) !=
                                                 std::string_view::npos)) {
    return Format::kPdf;
  }
  if (bytes.starts_with(kZipMagic)) {
    if (named == Format::kDocx || bytes.find("word/document"sv) != std::string_view::npos) {
      return Format::kDocx;
    }
    return std::nullopt;
  }
  // An encrypted DOCX is an OLE container; its reader says so better than "unknown" would.
  if (bytes.starts_with(kOleMagic)) {
    return named == Format::kDocx ? named : std::nullopt;
  }
  for (const std::string_view magic : kForeignMagic) {
    if (bytes.starts_with(magic)) return std::nullopt;
  }
  if (looks_binary(bytes)) return std::nullopt;
  if (named == Format::kMarkdown || named == Format::kHtml) return named;
  return starts_like_html(bytes) ? Format::kHtml : Format::kText;
}

}  // namespace docmind::ingest
