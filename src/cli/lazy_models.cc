// Lazy models: loaded at their first use, known by name and identity before.
// SPDX-License-Identifier: Apache-2.0
#include "cli/lazy_models.h"

#include <filesystem>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cache/cache_codec.h"
#include "cli/lazy_generator.h"
#include "cli/load_models.h"
#include "cli/load_upstream.h"
#include "providers/model_catalogue.h"

namespace docmind::cli {
namespace {

using cache::Computation;
using providers::EmbedderInfo;
using providers::ProviderInfo;

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
  DM_ASSIGN(const std::string found, resolve_native(session.config(), name));
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

std::optional<ProviderInfo> remembered_info(cache::ComputationCache& computed, const Digest& key) {
  std::optional<Fields> fields = remembered(computed, key, 2);
  if (!fields) return std::nullopt;
  return ProviderInfo{std::move((*fields)[0]), std::move((*fields)[1])};
}

// Loads now, and remembers.
template <typename Interface, typename Load>
Result<std::unique_ptr<Interface>> load_and_remember(cache::ComputationCache& computed, const Digest& key,
                                                     const Load& load) {
  const Stopwatch loading;
  DM_ASSIGN(std::unique_ptr<Interface> model, load());
  const ProviderInfo info = model->info();
  remember(computed, key, {info.name, info.identity}, loading.elapsed_ms());
  return model;
}

using GeneratorResult = Result<std::shared_ptr<const providers::Generator>>;

GeneratorResult shared_generator(Result<std::unique_ptr<providers::Generator>> loaded) {
  if (!loaded.ok()) return std::move(loaded).error();
  return std::shared_ptr<const providers::Generator>(*std::move(loaded));
}

// `standby`: not loaded now even if nothing is known of it.
GeneratorResult open_native(Session& session, cache::ComputationCache* computed, const std::string& name,
                            bool standby) {
  const auto load = [&session, name, standby] {
    if (standby) session.logger.warn("loading '{}', which stands in from now on", printable(name));
    return load_native_generator(session, name);
  };
  if (computed == nullptr) {
    if (!standby) return shared_generator(load());
    DM_TRY(resolve_native(session.config(), name));
    return make_lazy_generator(name, std::nullopt, load);
  }
  DM_ASSIGN(const Digest key, model_key(session, "generator", name));
  if (std::optional<ProviderInfo> known = remembered_info(*computed, key)) {
    return make_lazy_generator(name, std::move(known), load);
  }
  const auto load_first = [computed, key, load] {
    return load_and_remember<providers::Generator>(*computed, key, load);
  };
  if (!standby) return shared_generator(load_first());
  return make_lazy_generator(name, std::nullopt, load_first);
}

// Whether it is of this process; nothing named counts so too.
Result<bool> is_native(std::string_view field, const std::string& text) {
  if (text.empty()) return true;
  DM_ASSIGN(const providers::ModelSpec spec, field_spec(field, text));
  return spec.native();
}

}  // namespace

Result<AssembledGenerator> open_generator(Session& session, cache::ComputationCache* computed) {
  const auto opener = [&](bool standby) -> NativeOpeners::Open {
    return [&session, computed, standby](const std::string& name) {
      return open_native(session, computed, name, standby);
    };
  };
  return assemble_generator(session, {.first = opener(false), .open = opener(false), .standby = opener(true)});
}

Result<std::unique_ptr<providers::Reranker>> open_reranker(Session& session,
                                                           cache::ComputationCache* computed) {
  const auto load = [&session] { return load_reranker(session); };
  const std::string& name = session.config().reranker.path;
  DM_ASSIGN(const bool native, is_native("reranker.path", name));
  if (name.empty() || !native || computed == nullptr) return load();
  DM_ASSIGN(const Digest key, model_key(session, "reranker", name));
  if (std::optional<ProviderInfo> known = remembered_info(*computed, key)) {
    return std::unique_ptr<providers::Reranker>(std::make_unique<LazyReranker>(*std::move(known), load));
  }
  return load_and_remember<providers::Reranker>(*computed, key, load);
}

Result<std::unique_ptr<providers::Embedder>> open_embedder(Session& session,
                                                           cache::ComputationCache* computed) {
  const auto load = [&session] { return load_embedder(session); };
  const std::string& name = session.config().embedder.path;
  DM_ASSIGN(const bool native, is_native("embedder.path", name));
  if (name.empty() || !native || computed == nullptr) return load();
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
