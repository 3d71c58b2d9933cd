// The one table of settings, and values as text.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <variant>

#include <fmt/format.h>

#include "base/config.h"
#include "base/text.h"

namespace docmind {
namespace {

constexpr double kBillion = 1e9;

constexpr std::array kFields = {
    FieldInfo{"store.path", FieldType::kText, "Folder of the store (default: XDG data folder)"},
    FieldInfo{"store.lock_wait_ms", FieldType::kInteger,
              "How long to wait for another process that is writing to the store, in ms", 0, kBillion},
    FieldInfo{"index.include", FieldType::kList,
              "Globs of files to read, e.g. '*.md'; default: every known extension"},
    FieldInfo{"index.exclude", FieldType::kList,
              "Globs of files or folders to leave out, e.g. 'drafts/' or '*.bak'"},
    FieldInfo{"index.max_file_mib", FieldType::kInteger, "Larger files are skipped, in MiB", 1, 4'095},
    FieldInfo{"index.threads", FieldType::kInteger, "Threads that read and train; 0: one a CPU", 0, 1'024},
    FieldInfo{"index.chunk_target_bytes", FieldType::kInteger,
              "Size of a passage to aim at, in bytes of text", 200, 100'000},
    FieldInfo{"index.read_timeout_ms", FieldType::kInteger,
              "A PDF or DOCX that takes longer is skipped, in ms", 100, kBillion},
    FieldInfo{"index.worker_memory_mib", FieldType::kInteger,
              "Memory that parsing one PDF or DOCX may take, in MiB", 128, 65'536},
    FieldInfo{"index.priority", FieldType::kText,
              "Processors that 'serve' indexes with: only idle ones, with low or with normal priority", 0, 0,
              "idle|low|normal"},
    FieldInfo{"search.top_k", FieldType::kInteger, "Passages that 'search' shows", 1, 1'000},
    FieldInfo{"search.lexical_depth", FieldType::kInteger,
              "Passages that the full-text search scores before fusion", 10, 100'000},
    FieldInfo{"search.vector_depth", FieldType::kInteger,
              "Passages of each list that are fused", 10, 1'000},
    FieldInfo{"search.rerank_depth", FieldType::kInteger,
              "Best passages of the fused list that are reranked; 0: none", 0, 1'000},
    FieldInfo{"search.exact_limit", FieldType::kInteger,
              "With more vectors than this the approximate index is used", 0, kBillion},
    FieldInfo{"ask.top_k", FieldType::kInteger, "Passages that an answer is made from", 1, 100},
    FieldInfo{"ask.min_relevance", FieldType::kReal,
              "Share of the question that a passage must cover to be used, 0 to 1", 0, 1},
    FieldInfo{"ask.max_sentences", FieldType::kInteger, "Sentences of an extracted answer", 1, 50},
    FieldInfo{"model.path", FieldType::kText,
              "Language model that answers: a GGUF file or the name of a pulled model; none: answers "
              "are extracted"},
    FieldInfo{"model.threads", FieldType::kInteger, "Threads of all models; 0: one a CPU", 0, 64},
    FieldInfo{"model.isa", FieldType::kText, "Instructions of all models; auto: the best of this CPU",
              0, 0, "auto|avx512_bf16|avx512_vnni|avx2|scalar"},
    FieldInfo{"model.context", FieldType::kInteger,
              "Tokens of prompt and answer together; 0: what the model was made for, at most 8,192", 0,
              10'000'000},
    FieldInfo{"model.max_tokens", FieldType::kInteger, "Longest answer, in tokens", 1, 1'000'000},
    FieldInfo{"model.temperature", FieldType::kReal,
              "How freely words are chosen; 0: always the likeliest ('run': 0.7 unless it is set)", 0, 5},
    FieldInfo{"model.top_k", FieldType::kInteger,
              "Choose among this many likeliest tokens; 0: all", 0, 1'000'000},
    FieldInfo{"model.top_p", FieldType::kReal,
              "Choose among the likeliest tokens that have this share together; 1: all", 0, 1},
    FieldInfo{"model.min_p", FieldType::kReal,
              "Leave out tokens below this share of the likeliest one's probability; 0: none", 0, 1},
    FieldInfo{"model.seed", FieldType::kInteger, "Same seed, same text", 0, 9e15},
    FieldInfo{"model.thinking", FieldType::kBoolean, "Let models that can think do so before they answer"},
    FieldInfo{"kv.format", FieldType::kText,
              "How keys and values of a text are kept: exact, 8 bits, 4 bits, 8 and 4, or what each page needs",
              0, 0, "f16|int8|int4|k8v4|mixed"},
    FieldInfo{"kv.budget_mib", FieldType::kInteger,
              "Memory for keys and values of all texts, in MiB; 0: one whole context and a quarter", 0, 16'777'216},
    FieldInfo{"kv.group_size", FieldType::kInteger, "Tokens that share a scale: 32 or 64", 32, 64},
    FieldInfo{"kv.residual", FieldType::kInteger, "Newest tokens that stay exact, a multiple of 64", 64, 65'536},
    FieldInfo{"kv.mixed_bits", FieldType::kReal,
              "Bits of a code on average in the format 'mixed'; scales come on top", 2, 8},
    FieldInfo{"kv.share", FieldType::kBoolean, "Texts that begin alike share keys and values"},
    FieldInfo{"kv.exact_reuse", FieldType::kBoolean,
              "Share only so far that no answer depends on what was asked before"},
    FieldInfo{"kv.spill_path", FieldType::kText,
              "Folder for texts that must wait for memory; none: they are computed again"},
    FieldInfo{"kv.keep_mib", FieldType::kInteger,
              "Keep beginnings of texts on disk for the next start, in MiB; 0: none", 0, 1'048'576},
    FieldInfo{"batch.sequences", FieldType::kInteger, "Texts that are generated at the same time", 1, 256},
    FieldInfo{"batch.queue", FieldType::kInteger, "Requests that may wait; more are refused at once", 1, 100'000},
    FieldInfo{"batch.prefill_tokens", FieldType::kInteger, "Tokens of prompts that are read together", 16, 512},
    FieldInfo{"batch.prefill_share", FieldType::kReal,
              "Time for prompts beside running texts, relative to the time of those", 0.1, 10},
    FieldInfo{"batch.encoder_wait_ms", FieldType::kInteger,
              "How long embeddings and reranks may wait for others; 0: not at all", 0, 1'000},
    FieldInfo{"embedder.path", FieldType::kText,
              "Embedder: a GGUF file or the name of a pulled model; none: the built-in lexical one"},
    FieldInfo{"reranker.path", FieldType::kText,
              "Reranker: a GGUF file or the name of a pulled model; none: the built-in lexical one"},
    FieldInfo{"reranker.depth", FieldType::kInteger,
              "Best passages that a reranker model judges", 1, 1'000},
    FieldInfo{"cache.enabled", FieldType::kBoolean, "Keep answers and serve repeats from there"},
    FieldInfo{"cache.memory_mib", FieldType::kInteger, "Answer cache in memory, in MiB", 1, 65'536},
    FieldInfo{"cache.disk_mib", FieldType::kInteger, "Answer cache on disk, in MiB", 1, 1'048'576},
    FieldInfo{"cache.ttl_s", FieldType::kInteger, "Forget answers after this many seconds; 0: never", 0, kBillion},
    FieldInfo{"cache.semantic", FieldType::kBoolean,
              "Serve the answer of a question in other words too, when it asks for the same"},
    FieldInfo{"cache.threshold", FieldType::kReal,
              "Least similarity (cosine) of two questions that share an answer", 0.5, 1},
    FieldInfo{"cache.verify_band", FieldType::kReal,
              "Below the threshold by up to this much the reranker model decides, if there is one", 0, 0.5},
    FieldInfo{"cache.max_wrong", FieldType::kReal,
              "Largest share of wrong answers among those served for other words, learned from what was "
              "observed; 0: the threshold decides", 0, 0.5},
    FieldInfo{"cache.confidence", FieldType::kReal, "How sure that share must be", 0.5, 0.999},
    FieldInfo{"cache.audit_share", FieldType::kReal,
              "Share of such hits that are answered afresh all the same, to learn from", 0, 1},
    FieldInfo{"cache.questions", FieldType::kInteger,
              "Questions that are remembered; the least recently used go", 1, 10'000'000},
    FieldInfo{"cache.stale_s", FieldType::kInteger,
              "Serve an answer whose documents changed, marked, up to this age in seconds, and renew it; "
              "0: never", 0, kBillion},
    FieldInfo{"cache.computed_mib", FieldType::kInteger,
              "Embeddings, rerankings and parsed files kept on disk, in MiB; 0: none", 0, 1'048'576},
    FieldInfo{"server.address", FieldType::kText,
              "Address that 'serve' listens on; any other than a loopback address needs keys"},
    FieldInfo{"server.port", FieldType::kInteger, "Port; 0: any free one", 0, 65'535},
    FieldInfo{"server.threads", FieldType::kInteger, "Threads that read and write connections", 1, 64},
    FieldInfo{"server.keys_file", FieldType::kText,
              "File of API keys, 'KEY [TENANT [LABEL]]' a line, readable by its owner only; none: no keys "
              "(DOCMIND_API_KEYS may hold some too)"},
    FieldInfo{"server.hosts", FieldType::kList,
              "Names that the Host header may have beside addresses and 'localhost'"},
    FieldInfo{"server.cors", FieldType::kList,
              "Origins of web pages that may call, e.g. 'https://app.example'; '*': any; none: our own page"},
    FieldInfo{"server.workers", FieldType::kInteger, "Questions that are answered at the same time", 1, 256},
    FieldInfo{"server.queue", FieldType::kInteger, "Questions that may wait; more are refused at once", 1, 100'000},
    FieldInfo{"server.in_flight", FieldType::kInteger, "Requests in work at the same time, waiting ones included", 1,
              1'000'000},
    FieldInfo{"server.connections", FieldType::kInteger, "Connections at the same time", 1, 1'000'000},
    FieldInfo{"server.connections_per_address", FieldType::kInteger, "Of these from one address", 1, 1'000'000},
    FieldInfo{"server.max_body_mib", FieldType::kInteger, "Largest request, in MiB", 1, 1'024},
    FieldInfo{"server.max_upload_mib", FieldType::kInteger, "Largest upload of documents, in MiB", 1, 65'536},
    FieldInfo{"server.max_tokens", FieldType::kInteger, "Longest answer that a client may ask for, in tokens", 1,
              1'000'000},
    FieldInfo{"server.request_timeout_s", FieldType::kInteger, "An answer ends after this many seconds", 1, 86'400},
    FieldInfo{"server.drain_s", FieldType::kInteger,
              "How long requests in work may go on when the server stops, in seconds", 0, 3'600},
    FieldInfo{"server.page", FieldType::kBoolean, "Serve the web page at /"},
    FieldInfo{"server.metrics_public", FieldType::kBoolean, "Answer /metrics without a key"},
    FieldInfo{"server.metrics_aliases", FieldType::kBoolean,
              "Export metrics also under the names of vLLM and llama.cpp, for existing dashboards"},
    FieldInfo{"memory.budget_mib", FieldType::kInteger,
              "Memory that the whole process should stay below, in MiB; 0: 80% of what the system has", 0, 16'777'216},
    FieldInfo{"control.enabled", FieldType::kBoolean, "Adapt batches, KV format, caches and depth while serving"},
    FieldInfo{"control.latency_target_ms", FieldType::kInteger, "Time that an answer should take at most, in ms", 10,
              3'600'000},
    FieldInfo{"control.high_memory", FieldType::kReal, "Share of the memory budget above which batches are halved",
              0.05, 1},
    FieldInfo{"control.low_memory", FieldType::kReal, "Share below which they are doubled back", 0.05, 1},
    FieldInfo{"control.int8_memory", FieldType::kReal, "Share above which new texts keep their KV in 8 bits", 0.05, 1},
    FieldInfo{"control.int4_memory", FieldType::kReal, "Share above which new texts keep it in 4 bits", 0.05, 1},
    FieldInfo{"control.dwell_s", FieldType::kInteger, "Least time before a change is taken back, in seconds", 0, 3'600},
    FieldInfo{"models.path", FieldType::kText, "Folder of downloaded models (default: XDG data folder)"},
    FieldInfo{"models.catalogue", FieldType::kText,
              "TOML file of models to know beside the built-in ones (default: models.toml in the XDG "
              "configuration folder)"},
    FieldInfo{"log.level", FieldType::kText, "How much is logged to standard error", 0, 0,
              "trace|debug|info|warn|error|off"},
    FieldInfo{"log.format", FieldType::kText, "Form of the log lines", 0, 0, "text|json"},
    FieldInfo{"output.color", FieldType::kText, "Colour on the terminal", 0, 0, "auto|always|never"},
    FieldInfo{"tenant", FieldType::kText, "Whose cached answers may be served"},
};

using Slot = std::variant<std::string*, int64_t*, double*, bool*, std::vector<std::string>*>;

// The place of a field in the struct, in the order of the table.
Slot slot_of(Config& c, std::string_view name) {
  const std::array<Slot, kFields.size()> slots = {
      &c.store.path, &c.store.lock_wait_ms, &c.index.include, &c.index.exclude,
      &c.index.max_file_mib, &c.index.threads, &c.index.chunk_target_bytes,
      &c.index.read_timeout_ms, &c.index.worker_memory_mib, &c.index.priority, &c.search.top_k,
      &c.search.lexical_depth, &c.search.vector_depth, &c.search.rerank_depth,
      &c.search.exact_limit, &c.ask.top_k,
      &c.ask.min_relevance, &c.ask.max_sentences, &c.model.path, &c.model.threads, &c.model.isa,
      &c.model.context, &c.model.max_tokens, &c.model.temperature, &c.model.top_k, &c.model.top_p,
      &c.model.min_p, &c.model.seed, &c.model.thinking,
      &c.kv.format, &c.kv.budget_mib, &c.kv.group_size, &c.kv.residual, &c.kv.mixed_bits, &c.kv.share,
      &c.kv.exact_reuse, &c.kv.spill_path, &c.kv.keep_mib, &c.batch.sequences, &c.batch.queue,
      &c.batch.prefill_tokens, &c.batch.prefill_share, &c.batch.encoder_wait_ms, &c.embedder.path, &c.reranker.path,
      &c.reranker.depth, &c.cache.enabled, &c.cache.memory_mib,
      &c.cache.disk_mib, &c.cache.ttl_s,
      &c.cache.semantic, &c.cache.threshold, &c.cache.verify_band, &c.cache.max_wrong,
      &c.cache.confidence, &c.cache.audit_share, &c.cache.questions, &c.cache.stale_s,
      &c.cache.computed_mib, &c.server.address, &c.server.port, &c.server.threads, &c.server.keys_file,
      &c.server.hosts, &c.server.cors, &c.server.workers, &c.server.queue, &c.server.in_flight,
      &c.server.connections, &c.server.connections_per_address, &c.server.max_body_mib, &c.server.max_upload_mib,
      &c.server.max_tokens, &c.server.request_timeout_s, &c.server.drain_s, &c.server.page,
      &c.server.metrics_public, &c.server.metrics_aliases, &c.memory.budget_mib, &c.control.enabled,
      &c.control.latency_target_ms, &c.control.high_memory, &c.control.low_memory, &c.control.int8_memory,
      &c.control.int4_memory, &c.control.dwell_s, &c.models.path, &c.models.catalogue,
      &c.log.level, &c.log.format, &c.output.color,
      &c.tenant};
  const auto place = std::find_if(kFields.begin(), kFields.end(),
                                  [&](const FieldInfo& field) { return field.name == name; });
  return slots[static_cast<size_t>(place - kFields.begin())];
}

Error bad_value(const FieldInfo& field, std::string_view text, std::string_view allowed) {
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{} cannot be '{}'; allowed: {}", field.name, printable(text), allowed)};
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = trim(text.substr(0, comma));
    if (!item.empty()) items.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

bool is_choice(std::string_view choices, std::string_view text) {
  while (true) {
    const size_t bar = std::min(choices.find('|'), choices.size());
    if (choices.substr(0, bar) == text) return true;
    if (bar == choices.size()) return false;
    choices.remove_prefix(bar + 1);
  }
}

// Parses into the slot's type; the visitor's overloads are the types of a field.
struct Setter {
  const FieldInfo& field;
  std::string_view text;

  Status operator()(std::string* slot) const {
    if (!field.choices.empty() && !is_choice(field.choices, text)) {
      return bad_value(field, text, field.choices);
    }
    *slot = text;
    return {};
  }
  Status operator()(int64_t* slot) const { return number(slot, "a whole number"); }
  Status operator()(double* slot) const { return number(slot, "a number"); }
  Status operator()(bool* slot) const {
    if (text != "true" && text != "false") return bad_value(field, text, "true or false");
    *slot = text == "true";
    return {};
  }
  Status operator()(std::vector<std::string>* slot) const {
    *slot = split_list(text);
    return {};
  }

 private:
  template <typename Number>
  Status number(Number* slot, std::string_view kind) const {
    Number value{};
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = code == std::errc() && end == text.data() + text.size();
    if (!whole || !std::isfinite(static_cast<double>(value)) || value < field.min || value > field.max) {
      return bad_value(field, text, fmt::format("{} from {} to {}", kind, field.min, field.max));
    }
    *slot = value;
    return {};
  }
};

struct Getter {
  std::string operator()(const std::string* slot) const { return *slot; }
  std::string operator()(const int64_t* slot) const { return std::to_string(*slot); }
  std::string operator()(const double* slot) const { return fmt::format("{}", *slot); }
  std::string operator()(const bool* slot) const { return *slot ? "true" : "false"; }
  std::string operator()(const std::vector<std::string>* slot) const {
    return fmt::format("{}", fmt::join(*slot, ","));
  }
};

}  // namespace

std::string_view field_type_name(FieldType type) {
  switch (type) {
    case FieldType::kText: return "TEXT";
    case FieldType::kInteger: return "N";
    case FieldType::kReal: return "NUMBER";
    case FieldType::kBoolean: return "true|false";
    case FieldType::kList: return "GLOB";
  }
  return "";
}

std::span<const FieldInfo> config_fields() { return kFields; }

const FieldInfo* find_field(std::string_view name) {
  for (const FieldInfo& field : kFields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

std::string environment_name(std::string_view field) {
  std::string name = "DOCMIND_";
  for (const char c : field) {
    name.push_back(c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c));
  }
  return name;
}

Status set_field(Config& config, std::string_view name, std::string_view text) {
  const FieldInfo* field = find_field(name);
  if (field == nullptr) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("unknown key '{}'", printable(name))};
  }
  return std::visit(Setter{*field, text}, slot_of(config, name));
}

std::string get_field(const Config& config, std::string_view name) {
  if (find_field(name) == nullptr) return {};
  Config copy = config;
  return std::visit(Getter{}, slot_of(copy, name));
}

}  // namespace docmind
