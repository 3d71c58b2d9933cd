// What 'docmind models' does: list, verify and download; as JSON, which the command prints.
// SPDX-License-Identifier: Apache-2.0
#include "cli/model_actions.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/load_upstream.h"
#include "cli/progress_bar.h"
#include "gguf/file.h"
#include "providers/file_sha256.h"
#include "providers/model_catalogue.h"
#include "providers/model_download.h"

namespace docmind::cli {
namespace {

using providers::DownloadProgress;
using providers::DownloadResult;
using providers::ModelCatalogue;
using providers::ModelEntry;

constexpr std::string_view kModelEnding = ".gguf";

// The names of the models in the folder, sorted; no folder holds none.
std::vector<std::string> downloaded_names(const Config& config) {
  std::vector<std::string> names;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(config.models.path, failure)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(kModelEnding) && entry.is_regular_file(failure)) {
      names.push_back(name.substr(0, name.size() - kModelEnding.size()));
    }
  }
  std::ranges::sort(names);
  return names;
}

// A catalogue that the user named must be there.
Result<ModelCatalogue> load_catalogue(const Session& session) {
  const std::string& file = session.config().models.catalogue;
  std::error_code failure;
  if (session.effective.origins.contains("models.catalogue") && !std::filesystem::exists(file, failure)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("models.catalogue: there is no file '{}'", printable(file))};
  }
  return ModelCatalogue::load(file);
}

void add_file(const Session& session, json::object& row, const std::string& name) {
  const std::string path = join_path(session.config().models.path, name + std::string(kModelEnding));
  std::error_code failure;
  const auto n_bytes = std::filesystem::file_size(path, failure);
  row["downloaded"] = !failure;
  if (failure) return;
  row["path"] = to_valid_utf8(path);
  row["bytes"] = n_bytes;
}

std::string catalogue_sha256_of(const ModelCatalogue& catalogue, const std::string& name) {
  const Result<ModelEntry> entry = catalogue.find(name);
  return entry.ok() ? entry->sha256 : std::string();
}

Result<json::object> verify_file(const Session& session, const std::string& path,
                                 const std::string& catalogue_sha256) {
  json::object row{{"path", to_valid_utf8(path)}, {"sound", false}};
  if (const Result<gguf::File> file = gguf::File::open(path); !file.ok()) {
    row["finding"] = to_valid_utf8(file.error().message);
    return row;
  }
  const Result<std::string> recorded = providers::recorded_sha256(path);
  if (!recorded.ok()) {
    row["finding"] = to_valid_utf8(recorded.error().message);
    return row;
  }
  ProgressBar bar(session.terminal);
  DM_ASSIGN(const std::string sha256,
            providers::sha256_of_file(path, session.cancel, [&](int64_t done, int64_t total) {
              bar.show_bytes("reading", done, total);
            }));
  row["sha256"] = sha256;
  const std::string& wanted = catalogue_sha256.empty() ? *recorded : catalogue_sha256;
  const char* source = catalogue_sha256.empty() ? "recorded when it was downloaded" : "of the catalogue";
  row["sound"] = wanted.empty() || wanted == sha256;
  row["finding"] = wanted.empty() ? "its structure is sound; no SHA-256 is recorded for it"
                   : wanted == sha256
                       ? fmt::format("its structure is sound; the SHA-256 is the one {}", source)
                       : fmt::format(
                             "the SHA-256 is {}, but the one {} is {}; download it again "
                             "with --force",
                             sha256, source, wanted);
  return row;
}

// A catalogue that tells another hash than that of the file wants another file.
bool is_current(const std::string& path, const ModelEntry& entry) {
  const Result<std::string> recorded = providers::recorded_sha256(path);
  return entry.sha256.empty() || !recorded.ok() || recorded->empty() || *recorded == entry.sha256;
}

const char* checked_name(DownloadResult::Checked checked) {
  switch (checked) {
    case DownloadResult::Checked::kCatalogue: return "catalogue";
    case DownloadResult::Checked::kServer: return "server";
    case DownloadResult::Checked::kNobody: break;
  }
  return "nobody";
}

}  // namespace

Result<json::object> list_models(const Session& session) {
  DM_ASSIGN(const ModelCatalogue catalogue, load_catalogue(session));
  const Config& config = session.config();
  json::array models;
  for (const ModelEntry& entry : catalogue.entries()) {
    json::object row{{"name", entry.name}, {"kind", providers::model_kind_name(entry.kind)}};
    add_file(session, row, entry.name);
    row["url"] = to_valid_utf8(entry.url);
    row["licence"] = to_valid_utf8(entry.licence);
    row["description"] = to_valid_utf8(entry.description);
    row["origin"] = to_valid_utf8(entry.origin);
    models.push_back(std::move(row));
  }
  for (const std::string& name : downloaded_names(config)) {
    if (catalogue.find(name).ok()) continue;
    json::object row{{"name", to_valid_utf8(name)}};
    add_file(session, row, name);
    models.push_back(std::move(row));
  }
  return json::object{{"folder", to_valid_utf8(config.models.path)}, {"models", std::move(models)}};
}

Result<json::object> list_upstream_models(const Session& session, const std::string& text) {
  DM_ASSIGN(providers::ModelSpec spec, field_spec("--upstream", text));
  if (spec.native()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("--upstream is '{}', which names no other server; write 'ollama:', or "
                             "'openai:@http://127.0.0.1:8000'",
                             printable(text))};
  }
  DM_ASSIGN(const std::shared_ptr<providers::Upstream> upstream, open_upstream(session, spec));
  DM_ASSIGN(const std::vector<providers::UpstreamModel> listed, upstream->models(session.cancel));
  json::array models;
  for (const providers::UpstreamModel& model : listed) {
    spec.model = model.name;
    models.push_back(json::object{{"name", to_valid_utf8(model.name)},
                                  {"context", model.n_context ? json::value(*model.n_context) : json::value()},
                                  {"spec", to_valid_utf8(spec.text())}});
  }
  return json::object{{"server", to_valid_utf8(spec.url)}, {"models", std::move(models)}};
}

Result<json::array> verify_models(const Session& session, const std::vector<std::string>& targets) {
  DM_ASSIGN(const ModelCatalogue catalogue, load_catalogue(session));
  json::array rows;
  for (const std::string& target : targets) {
    DM_ASSIGN(const std::string path, providers::resolve_model(session.config(), target));
    DM_ASSIGN(json::object row, verify_file(session, path, catalogue_sha256_of(catalogue, target)));
    rows.push_back(std::move(row));
  }
  if (!targets.empty()) return rows;
  for (const std::string& name : downloaded_names(session.config())) {
    DM_ASSIGN(const std::string path, providers::model_path(session.config(), name));
    DM_ASSIGN(json::object row, verify_file(session, path, catalogue_sha256_of(catalogue, name)));
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<json::object> pull_model(const Session& session, const std::string& name, bool force) {
  DM_ASSIGN(const ModelCatalogue catalogue, load_catalogue(session));
  DM_ASSIGN(const ModelEntry entry, catalogue.find(name));
  DM_ASSIGN(const std::string path, providers::model_path(session.config(), entry.name));
  std::error_code failure;
  const bool exists = std::filesystem::exists(path, failure);
  if (exists && !force && is_current(path, entry)) {
    return json::object{{"name", entry.name},
                        {"path", to_valid_utf8(path)},
                        {"downloaded", false},
                        {"bytes", std::filesystem::file_size(path, failure)}};
  }
  ProgressBar bar(session.terminal);
  providers::DownloadRequest request{
      .url = entry.url, .path = path, .n_bytes = entry.n_bytes, .sha256 = entry.sha256};
  request.cancel = session.cancel;
  request.check = [](const std::string& part) {
    const Result<gguf::File> file = gguf::File::open(part);
    return file.ok() ? Status() : Status(file.error());
  };
  request.progress = [&](const DownloadProgress& progress) {
    const bool fetching = progress.phase == DownloadProgress::Phase::kFetch;
    bar.show_bytes(fetching ? entry.name : "checking what is there", progress.n_done_bytes,
                   progress.n_total_bytes);
  };
  DM_ASSIGN(const DownloadResult result, providers::download_file(request));
  return json::object{{"name", entry.name},
                      {"path", to_valid_utf8(path)},
                      {"downloaded", true},
                      {"bytes", result.n_bytes},
                      {"resumed_bytes", result.n_resumed_bytes},
                      {"sha256", result.sha256},
                      {"checked_against", checked_name(result.checked)},
                      {"licence", to_valid_utf8(entry.licence)}};
}

}  // namespace docmind::cli
