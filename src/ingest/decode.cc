// Turns bytes of any common encoding into clean UTF-8; refuses binary data.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/decode.h"

#include <uchardet/uchardet.h>
#include <unicode/ucnv.h>
#include <unicode/ucnv_cb.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "ingest/reader.h"
#include "ingest/utf8.h"

namespace docmind::ingest {
namespace {

struct CloseConverter {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, CloseConverter>;

struct DeleteDetector {
  void operator()(uchardet_t detector) const { uchardet_delete(detector); }
};
using Detector = std::unique_ptr<std::remove_pointer_t<uchardet_t>, DeleteDetector>;

Converter open_converter(const std::string& name) {
  UErrorCode status = U_ZERO_ERROR;
  Converter converter(ucnv_open(name.c_str(), &status));
  return U_SUCCESS(status) ? std::move(converter) : nullptr;
}

void U_CALLCONV write_replacement(const void* context, UConverterToUnicodeArgs* args, const char*,
                                  int32_t, UConverterCallbackReason reason, UErrorCode* status) {
  if (reason > UCNV_IRREGULAR) return;  // reset, close, clone
  ++*static_cast<size_t*>(const_cast<void*>(context));
  constexpr UChar kReplacement = 0xFFFD;
  *status = U_ZERO_ERROR;
  ucnv_cbToUWriteUChars(args, &kReplacement, 1, 0, status);
}

Result<std::string> convert(std::string_view bytes, const std::string& name, size_t& n_replaced) {
  const Converter from = open_converter(name);
  const Converter to = open_converter("UTF-8");
  if (from == nullptr || to == nullptr) {
    return Error{ErrorCode::kUnsupported, "no converter for the encoding '" + name + "'"};
  }
  UErrorCode status = U_ZERO_ERROR;
  ucnv_setToUCallBack(from.get(), write_replacement, &n_replaced, nullptr, nullptr, &status);
  std::array<UChar, 2048> pivot{};
  UChar* pivot_source = pivot.data();
  UChar* pivot_target = pivot.data();
  const char* source = bytes.data();
  std::string out(bytes.size() + bytes.size() / 2 + 64, '\0');
  size_t used = 0;
  for (UBool reset = true;; reset = false) {
    char* target = out.data() + used;
    ucnv_convertEx(to.get(), from.get(), &target, out.data() + out.size(), &source,
                   bytes.data() + bytes.size(), pivot.data(), &pivot_source, &pivot_target,
                   pivot.data() + pivot.size(), reset, true, &status);
    used = static_cast<size_t>(target - out.data());
    if (status != U_BUFFER_OVERFLOW_ERROR) break;
    status = U_ZERO_ERROR;
    out.resize(out.size() * 2);
  }
  if (U_FAILURE(status)) {
    return Error{ErrorCode::kMalformed,
                 "cannot convert from " + name + ": " + u_errorName(status)};
  }
  out.resize(used);
  return out;
}

// Line ends to '\n', NUL dropped, in place. Counts characters and odd controls (NUL included).
struct Tally {
  size_t n_chars = 0;
  size_t n_odd = 0;
};
Tally tidy(std::string& text) {
  Tally tally;
  size_t out = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    tally.n_chars += (c & 0xC0) != 0x80 ? 1 : 0;
    tally.n_odd += is_odd_control(c) ? 1 : 0;
    if (c == 0) continue;
    if (c == '\r') {
      if (i + 1 < text.size() && text[i + 1] == '\n') continue;
      text[out++] = '\n';
      continue;
    }
    text[out++] = text[i];
  }
  text.resize(out);
  return tally;
}

// ASCII bytes with the escape sequences of ISO-2022, which are also valid UTF-8.
bool has_iso2022_escape(std::string_view bytes) {
  for (size_t at = bytes.find('\x1B'); at != std::string_view::npos; at = bytes.find('\x1B', at + 1)) {
    const std::string_view next = bytes.substr(at + 1, 2);
    if (next == "$B" || next == "$@" || next == "$)") return true;
  }
  return false;
}

std::string detect_charset(std::string_view bytes) {
  // Only the neighbourhood of non-ASCII bytes says anything; a long ASCII start would hide it.
  constexpr size_t kBefore = 1 << 10;
  constexpr size_t kSample = 256 << 10;
  const auto odd = std::find_if(bytes.begin(), bytes.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x80 || c == '\x1B';
  });
  const auto first = static_cast<size_t>(odd - bytes.begin());
  const std::string_view sample = bytes.substr(first - std::min(first, kBefore), kSample);
  const Detector detector(uchardet_new());
  if (detector == nullptr) return {};
  if (uchardet_handle_data(detector.get(), sample.data(), sample.size()) != 0) return {};
  uchardet_data_end(detector.get());
  return uchardet_get_charset(detector.get());
}

// A name that a document declares, as the web reads it: Latin-1 means its Windows superset, and a
// declaration that could be read as ASCII cannot be UTF-16. Empty when it is unknown or unsafe.
std::string effective_declaration(std::string_view declared) {
  std::string name(trim(declared).substr(0, 64));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  if (name.empty() || name == "utf-7" || name == "x-user-defined") return {};
  if (name.starts_with("utf-16") || name.starts_with("utf-32") || name == "utf8") return "utf-8";
  if (name == "iso-8859-1" || name == "latin1" || name == "us-ascii" || name == "ascii" ||
      name == "iso8859-1" || name == "iso_8859-1") {
    return "windows-1252";
  }
  if (name == "gb2312" || name == "gbk") return "gb18030";
  if (name == "ks_c_5601-1987" || name == "euc-kr") return "windows-949";
  return open_converter(name) != nullptr ? name : std::string();
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return text;
}

struct Choice {
  std::string name;
  bool certain = false;  // from a BOM or because every byte fits UTF-8
};

Choice choose_encoding(std::string_view bytes, std::string_view declared) {
  const std::string wanted = effective_declaration(declared);
  const Utf8Census census = count_utf8(bytes);
  if (census.n_invalid == 0) {
    if (census.n_multibyte > 0 || !has_iso2022_escape(bytes)) return {"UTF-8", true};
    if (wanted.starts_with("iso-2022")) return {wanted, false};
    const std::string found = detect_charset(bytes);
    if (found.starts_with("ISO-2022")) return {found, false};
    return {"UTF-8", true};
  }
  if (wanted == "utf-8") return {"UTF-8", false};
  if (!wanted.empty()) return {wanted, false};
  // Mostly good UTF-8 with a few broken places is damaged UTF-8, not something else.
  if (census.n_invalid * 8 <= census.n_multibyte) return {"UTF-8", false};
  const std::string found = detect_charset(bytes);
  const std::string name = lower(found);
  if (name.empty() || name == "ascii" || name == "utf-8" || name == "iso-8859-1" ||
      open_converter(found) == nullptr) {
    return {"windows-1252", false};
  }
  return {found, false};
}

}  // namespace

UnicodeGuess guess_unicode(std::string_view bytes) {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\xEF\xBB\xBF"sv)) return {"UTF-8", 3};
  if (bytes.starts_with("\xFF\xFE\0\0"sv)) return {"UTF-32LE", 4};
  if (bytes.starts_with("\0\0\xFE\xFF"sv)) return {"UTF-32BE", 4};
  if (bytes.starts_with("\xFF\xFE"sv)) return {"UTF-16LE", 2};
  if (bytes.starts_with("\xFE\xFF"sv)) return {"UTF-16BE", 2};
  // Latin text in a wide encoding has a zero in the same place of nearly every unit.
  const std::string_view sample = bytes.substr(0, 4096 & ~size_t{3});
  const size_t n_units = sample.size() / 4;
  if (n_units < 2) return {};
  std::array<size_t, 4> zeros{};
  for (size_t i = 0; i < n_units * 4; ++i) zeros[i % 4] += sample[i] == '\0' ? 1 : 0;
  const auto most = [&](size_t n) { return n * 10 >= n_units * 7; };
  const auto few = [&](size_t n) { return n * 50 <= n_units; };
  if (most(zeros[1]) && most(zeros[2]) && most(zeros[3]) && few(zeros[0])) return {"UTF-32LE", 0};
  if (most(zeros[0]) && most(zeros[1]) && most(zeros[2]) && few(zeros[3])) return {"UTF-32BE", 0};
  if (most(zeros[1]) && most(zeros[3]) && few(zeros[0]) && few(zeros[2])) return {"UTF-16LE", 0};
  if (most(zeros[0]) && most(zeros[2]) && few(zeros[1]) && few(zeros[3])) return {"UTF-16BE", 0};
  return {};
}

bool looks_binary(std::string_view bytes) {
  if (!guess_unicode(bytes).name.empty()) return false;
  // Keeps a multi-byte sequence that the cut splits from looking invalid.
  std::string_view sample = bytes.substr(0, 8192);
  while (sample.size() < bytes.size() && !sample.empty() &&
         (static_cast<unsigned char>(sample.back()) & 0x80) != 0) {
    sample.remove_suffix(1);
  }
  const auto n_odd = static_cast<size_t>(std::count_if(sample.begin(), sample.end(), [](char c) {
    return is_odd_control(static_cast<unsigned char>(c));
  }));
  if (n_odd * 10 > sample.size()) return true;
  return n_odd * 50 > sample.size() && !is_valid_utf8(sample);
}

Result<DecodedText> decode_text(std::string_view bytes, std::string_view declared) {
  Choice choice;
  if (const UnicodeGuess guess = guess_unicode(bytes); !guess.name.empty()) {
    choice = {std::string(guess.name), true};
    bytes.remove_prefix(guess.bom_bytes);
  } else {
    choice = choose_encoding(bytes, declared);
  }
  DecodedText decoded;
  decoded.encoding = choice.name;
  if (choice.name == "UTF-8") {
    decoded.text = repair_utf8(bytes, decoded.n_replaced);
  } else {
    DM_ASSIGN(decoded.text, convert(bytes, choice.name, decoded.n_replaced));
  }
  const Tally tally = tidy(decoded.text);
  const bool odd = tally.n_odd * 10 > tally.n_chars ||
                   (!choice.certain && tally.n_odd * 50 > tally.n_chars) ||
                   decoded.n_replaced * 3 > tally.n_chars;
  if (odd) {
    return Error{ErrorCode::kMalformed,
                 "looks like binary data: " + std::to_string(tally.n_odd + decoded.n_replaced) +
                     " of " + std::to_string(tally.n_chars) +
                     " characters are control characters or invalid (read as " + choice.name + ")"};
  }
  return decoded;
}

}  // namespace docmind::ingest
