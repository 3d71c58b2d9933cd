// Lazy models: loaded at their first use, known by name and identity before.
// SPDX-License-Identifier: Apache-2.0
#include "cli/lazy_models.h"

#include <filesystem>

#include "base/clock.h"
#include "base/file.h"
#include "cache/cache_codec.h"
#include "cli/load_models.h"
#include "providers/model_catalogue.h"

namespace docmind::cli {
namespace {

using cache::Computation;
using providers::EmbedderInfo;
using providers::ProviderInfo;

class LazyGenerator final : public providers::Generator {
 public:
  LazyGenerator(ProviderInfo info, LazyModel<providers::Generator>::Load load)
      : info_(std::move(info)), model_(std::move(load)) {}
  ProviderInfo info() const override { return info_; }
  Result<providers::GenerateResult> generate(const providers::GenerateRequest& request,
                                             const providers::TextSink& sink,
                                             const CancelToken& cancel) const override {
    DM_ASSIGN(const providers::Generator* model, model_.get());
    return model->generate(request, sink, cancel);
  }
  bool quotes_documents() const override { return false; }  // a language model's own words

 private:
  const ProviderInfo info_;
  const LazyModel<providers::Generator> model_;
};

class LazyEmbedder final : public providers::Embedder {
 public:
  LazyEmbedder(EmbedderInfo info, LazyModel<providers::Embedder>::Load load)
      : info_(std::move(info)), model_(std::move(load)) {}
  EmbedderInfo info() const override { return info_; }
  Status embed(std::span<const std::string_view> texts, providers::EmbedKind kind,
               std::span<float> out, const CancelToken& cancel) const override {
    DM_ASSIGN(const providers::Embedder* model, model_.get());
    return model->embed(texts, kind, out, cancel);
  }

 private:
  const EmbedderInfo info_;
  const LazyModel<providers::Embedder> model_;
};

class LazyReranker final : public providers::Reranker {
 public:
  LazyReranker(ProviderInfo info, LazyModel<providers::Reranker>::Load load)
      : info_(std::move(info)), model_(std::move(load)) {}
  ProviderInfo info() const override { return info_; }
  Result<std::vector<double>> rerank(std::string_view question,
                                     std::span<const providers::Passage> passages,
                                     const CancelToken& cancel) const override {
    DM_ASSIGN(const providers::Reranker* model, model_.get());
    return model->rerank(question, passages, cancel);
  }

 private:
  const ProviderInfo info_;
  const LazyModel<providers::Reranker> model_;
};

// The file as it is now and every setting that may be part of the identity.
Result<Digest> model_key(const Session& session, std::string_view role, const std::string& name) {
  DM_ASSIGN(const std::string found, providers::resolve_model(session.config(), name));
  std::error_code failure;
  const std::filesystem::path real = std::filesystem::canonical(found, failure);
  const std::string path = failure ? found : real.string();
  DM_ASSIGN(const FileStamp stamp, stat_regular_file(path));
  FieldHasher key;
  key.add("model info 1").add(role).add(path);
  key.add(stamp.size_bytes).add(stamp.mtime_ns).add(stamp.ctime_ns);
  key.add(static_cast<int64_t>(stamp.inode));
  for (const FieldInfo& field : config_fields()) {
    const bool bears = field.name.starts_with("model.") || field.name.starts_with("kv.");
    if (bears) key.add(field.name).add(get_field(session.config(), field.name));
  }
  return key.finish();
}

using Fields = std::vector<std::string>;

std::optional<Fields> remembered(cache::ComputationCache& computed, const Digest& key, size_t n) {
  const auto bytes = computed.find(Computation::kModelInfo, key);
  if (bytes == nullptr) return std::nullopt;
  std::optional<Fields> fields = cache::CacheCodec<Fields>::decode(*bytes);
  return fields && fields->size() == n ? fields : std::nullopt;
}

void remember(cache::ComputationCache& computed, const Digest& key, const Fields& fields,
              double cost_ms) {
  computed.keep(Computation::kModelInfo, key, cache::CacheCodec<Fields>::encode(fields), cost_ms);
}

// `load` loads now; `Lazy` waits. For models whose info() is a ProviderInfo.
template <typename Interface, typename Lazy>
Result<std::unique_ptr<Interface>> open_model(Session& session, cache::ComputationCache* computed,
                                              std::string_view role, const std::string& name,
                                              typename LazyModel<Interface>::Load load) {
  if (name.empty()) return std::unique_ptr<Interface>();
  if (computed == nullptr) return load();
  DM_ASSIGN(const Digest key, model_key(session, role, name));
  if (std::optional<Fields> fields = remembered(*computed, key, 2)) {
    return std::unique_ptr<Interface>(
        std::make_unique<Lazy>(ProviderInfo{(*fields)[0], (*fields)[1]}, std::move(load)));
  }
  const Stopwatch loading;
  DM_ASSIGN(std::unique_ptr<Interface> model, load());
  const ProviderInfo info = model->info();
  remember(*computed, key, {info.name, info.identity}, loading.elapsed_ms());
  return model;
}

}  // namespace

Result<std::unique_ptr<providers::Generator>> open_generator(Session& session,
                                                             cache::ComputationCache* computed) {
  return open_model<providers::Generator, LazyGenerator>(
      session, computed, "generator", session.config().model.path,
      [&session] { return load_generator(session); });
}

Result<std::unique_ptr<providers::Reranker>> open_reranker(Session& session,
                                                           cache::ComputationCache* computed) {
  return open_model<providers::Reranker, LazyReranker>(
      session, computed, "reranker", session.config().reranker.path,
      [&session] { return load_reranker(session); });
}

Result<std::unique_ptr<providers::Embedder>> open_embedder(Session& session,
                                                           cache::ComputationCache* computed) {
  const auto load = [&session]() -> Result<std::unique_ptr<providers::Embedder>> {
    DM_ASSIGN(std::unique_ptr<providers::NativeEmbedder> embedder, load_embedder(session));
    return std::unique_ptr<providers::Embedder>(std::move(embedder));
  };
  const std::string& name = session.config().embedder.path;
  if (name.empty() || computed == nullptr) return load();
  DM_ASSIGN(const Digest key, model_key(session, "embedder", name));
  if (std::optional<Fields> fields = remembered(*computed, key, 4)) {
    const auto dimension = cache::CacheCodec<uint64_t>::decode((*fields)[2]);
    const auto normalised = cache::CacheCodec<bool>::decode((*fields)[3]);
    if (dimension && normalised) {
      return std::unique_ptr<providers::Embedder>(std::make_unique<LazyEmbedder>(
          EmbedderInfo{.provider = {(*fields)[0], (*fields)[1]},
                       .dimension = *dimension,
                       .normalised = *normalised},
          load));
    }
  }
  const Stopwatch loading;
  DM_ASSIGN(std::unique_ptr<providers::Embedder> model, load());
  const EmbedderInfo info = model->info();
  remember(*computed, key,
           {info.provider.name, info.provider.identity,
            cache::CacheCodec<uint64_t>::encode(info.dimension),
            cache::CacheCodec<bool>::encode(info.normalised)},
           loading.elapsed_ms());
  return model;
}

}  // namespace docmind::cli
