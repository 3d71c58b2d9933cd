// Config: every setting with its default, and where each effective value came from.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment.h"
#include "base/error.h"
#include "base/json.h"

namespace docmind {

// The settings. What each means, its range and its names outside are in one table, config_fields().
struct Config {
  struct Store {
    std::string path;  // empty: the XDG data folder, filled in by load_config
    int64_t lock_wait_ms = 10'000;
  } store;
  struct Index {
    std::vector<std::string> include;
    std::vector<std::string> exclude;
    int64_t max_file_mib = 256;
    int64_t threads = 0;
    int64_t chunk_target_bytes = 1'800;
    int64_t read_timeout_ms = 60'000;
    int64_t worker_memory_mib = 1'024;
    std::string priority = "idle";
  } index;
  struct Search {
    int64_t top_k = 10;
    int64_t lexical_depth = 1'000;
    int64_t vector_depth = 200;
    int64_t rerank_depth = 40;
    int64_t exact_limit = 200'000;
  } search;
  struct Ask {
    int64_t top_k = 6;
    double min_relevance = 0.51;
    int64_t max_sentences = 4;
  } ask;
  // A language model that answers, those that stand in for it, its context and how it writes.
  struct Model {
    std::string path;
    std::vector<std::string> fallback;
    std::vector<std::string> replicas;
    std::string small;
    bool route = false;
    std::string quantize_on_load = "none";
    int64_t threads = 0;
    std::string isa = "auto";
    int64_t context = 0;
    int64_t max_tokens = 512;
    double temperature = 0;
    int64_t top_k = 40;
    double top_p = 0.95;
    double min_p = 0.05;
    int64_t seed = 0;
    bool thinking = false;
  } model;
  // The memory of a language model's texts, and how it is stored.
  struct Kv {
    std::string format = "f16";
    int64_t budget_mib = 0;
    int64_t group_size = 64;
    int64_t residual = 128;
    double mixed_bits = 3;
    bool share = true;
    bool exact_reuse = false;
    std::string spill_path;
    int64_t keep_mib = 0;
  } kv;
  // What is computed together.
  struct Batch {
    int64_t sequences = 8;
    int64_t queue = 256;
    int64_t prefill_tokens = 512;
    double prefill_share = 0.6;
    int64_t encoder_wait_ms = 0;
  } batch;
  struct Embedder {
    std::string path;
  } embedder;
  struct Reranker {
    std::string path;
    int64_t depth = 12;
  } reranker;
  // Models behind other servers.
  struct Upstream {
    bool allow_remote = false;
    int64_t connect_timeout_ms = 2'000;
    int64_t first_byte_timeout_ms = 120'000;
    int64_t stall_timeout_ms = 30'000;
    int64_t retries = 2;
    int64_t context = 0;
    std::string key_file;
  } upstream;
  struct Cache {
    bool enabled = true;
    int64_t memory_mib = 64;
    int64_t disk_mib = 256;
    int64_t ttl_s = 0;
    bool semantic = true;
    double threshold = 0.9;
    double verify_band = 0.05;
    double max_wrong = 0;
    double confidence = 0.95;
    double audit_share = 0.05;
    int64_t questions = 100'000;
    int64_t stale_s = 0;
    int64_t computed_mib = 256;
  } cache;
  // The HTTP server.
  struct Server {
    std::string address = "127.0.0.1";
    int64_t port = 8'080;
    int64_t threads = 2;
    std::string keys_file;
    std::vector<std::string> hosts;
    std::vector<std::string> cors;
    int64_t workers = 16;
    int64_t queue = 256;
    int64_t in_flight = 512;
    int64_t connections = 4'096;
    int64_t connections_per_address = 1'024;
    int64_t max_body_mib = 16;
    int64_t max_upload_mib = 256;
    int64_t max_tokens = 4'096;
    int64_t request_timeout_s = 600;
    int64_t drain_s = 30;
    bool page = true;
    bool metrics_public = true;
    bool metrics_aliases = true;
  } server;
  // The memory of the whole process.
  struct Memory {
    int64_t budget_mib = 0;
  } memory;
  // What adapts to memory and latency while it serves.
  struct Control {
    bool enabled = true;
    int64_t latency_target_ms = 3'000;
    double high_memory = 0.8;
    double low_memory = 0.5;
    double int8_memory = 0.7;
    double int4_memory = 0.9;
    int64_t dwell_s = 10;
  } control;
  struct Models {
    std::string path;       // empty: the XDG data folder, filled in by load_config
    std::string catalogue;  // empty: the XDG configuration folder, likewise
  } models;
  struct Log {
    std::string level = "warn";
    std::string format = "text";
  } log;
  struct Output {
    std::string color = "auto";
  } output;
  std::string tenant = "local";
};

enum class FieldType { kText, kInteger, kReal, kBoolean, kList };
[[nodiscard]] std::string_view field_type_name(FieldType type);

// One row of the table: everything that parsing, printing, help and documentation need to know.
struct FieldInfo {
  std::string_view name;  // "search.top_k"
  FieldType type = FieldType::kText;
  std::string_view help;  // a sentence with the unit
  double min = 0;         // numbers only
  double max = 0;
  std::string_view choices = {};  // text only: "auto|always|never"; empty: any text
};
[[nodiscard]] std::span<const FieldInfo> config_fields();
[[nodiscard]] const FieldInfo* find_field(std::string_view name);
// "search.top_k" is DOCMIND_SEARCH_TOP_K.
[[nodiscard]] std::string environment_name(std::string_view field);

// A value as text: lists are comma separated, booleans true or false. set_field checks type, range
// and choices; kInvalidArgument names the field, the value and what is allowed.
Status set_field(Config& config, std::string_view name, std::string_view text);
[[nodiscard]] std::string get_field(const Config& config, std::string_view name);

// Where a value came from.
struct Origin {
  enum class Kind { kDefault, kFile, kEnvironment, kFlag };
  Kind kind = Kind::kDefault;
  std::string where;  // "/home/a/.config/docmind/config.toml:3", "DOCMIND_SEARCH_TOP_K", "--top-k"
};
[[nodiscard]] std::string describe(const Origin& origin);

struct FlagValue {
  std::string field;
  std::string value;
  std::string flag;  // as written: "--top-k"
};

struct ConfigSources {
  std::optional<std::string> file_path;  // must exist; else DOCMIND_CONFIG, else the XDG file if any
  Environment env;
  std::vector<FlagValue> flags;
};

struct Effective {
  Config config;
  std::map<std::string, Origin, std::less<>> origins;  // fields that are not at their default
  std::string file_path;                               // empty when no file was read
};

// Merges default < file < environment < flag. Unknown keys, sections and DOCMIND_ variables are
// kInvalidArgument with the nearest valid name.
Result<Effective> load_config(const ConfigSources& sources);

// TOML that load_config reads back to the same values; `with_origin` adds it as comments.
[[nodiscard]] std::string config_to_toml(const Effective& effective, bool with_origin);
[[nodiscard]] json::value config_to_json(const Effective& effective);
// The table of all fields for the manual.
[[nodiscard]] std::string config_reference();

}  // namespace docmind
