// What llama.cpp's server reads: flags with the variables that stand for them (its README, autumn 2026).
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "providers/provider_settings.h"

namespace docmind::providers {
namespace {

// The first build whose flags were read with --load-mode in place of --mmap, --mlock and --direct-io.
constexpr std::string_view kLoadModeBuild = "b10256";

constexpr std::array kLlamaCppSettings = {
    setting_flag("--model", "the file; --model-file changes it").alias("-m").env("LLAMA_ARG_MODEL").by_plan(),
    setting_flag("--ctx-size", "the context of all sequences")
        .whole().alias("-c").env("LLAMA_ARG_CTX_SIZE").by_plan(),
    setting_flag("--parallel", "sequences at the same time")
        .whole().alias("-np").env("LLAMA_ARG_N_PARALLEL").by_plan(),
    setting_flag("--cache-type-k", "the KV format; --kv changes it")
        .alias("-ctk").env("LLAMA_ARG_CACHE_TYPE_K").by_plan(),
    setting_flag("--cache-type-v", "the KV format; --kv changes it")
        .alias("-ctv").env("LLAMA_ARG_CACHE_TYPE_V").by_plan(),
    setting_flag("--flash-attn", "flash attention").alias("-fa").env("LLAMA_ARG_FLASH_ATTN").by_plan(),
    setting_flag("--n-gpu-layers", "layers on the GPU").alias("-ngl").env("LLAMA_ARG_N_GPU_LAYERS").by_plan(),
    setting_flag("--rope-scaling", "scaling of positions").env("LLAMA_ARG_ROPE_SCALING_TYPE").by_plan(),
    setting_flag("--rope-scale", "scaling of positions").real().env("LLAMA_ARG_ROPE_SCALE").by_plan(),
    setting_flag("--yarn-orig-ctx", "scaling of positions").whole().env("LLAMA_ARG_YARN_ORIG_CTX").by_plan(),
    setting_flag("--host", "the address").env("LLAMA_ARG_HOST").by_plan(),
    setting_flag("--port", "the port; --port of this command changes it")
        .whole().env("LLAMA_ARG_PORT").by_plan(),
    setting_flag("--threads", "CPU threads; --threads of this command sets it")
        .whole().alias("-t").env("LLAMA_ARG_THREADS").by_plan(),
    setting_flag("--jinja", "the model's own chat template").on_off().env("LLAMA_ARG_JINJA").by_plan(),
    setting_flag("--embedding", "embeddings; planned with --with-rag")
        .on_off().alias("--embeddings").env("LLAMA_ARG_EMBEDDINGS").by_plan(),
    setting_flag("--reranking", "reranking; planned with --with-rag")
        .on_off().alias("--rerank").env("LLAMA_ARG_RERANKING").by_plan(),
    setting_flag("--pooling", "pooling; planned with --with-rag").env("LLAMA_ARG_POOLING").by_plan(),
    setting_flag("--batch-size", "tokens of a logical batch, 2048 if not set")
        .whole(1, 1 << 20).alias("-b").env("LLAMA_ARG_BATCH"),
    setting_flag("--ubatch-size", "tokens of a pass, 512 if not set; more takes more memory than the plan counts")
        .whole(1, 1 << 20).alias("-ub").env("LLAMA_ARG_UBATCH"),
    setting_flag("--threads-batch", "CPU threads of prompts").whole(1, 1024).alias("-tb"),
    setting_flag("--threads-http", "threads of connections").whole(-1, 1024).env("LLAMA_ARG_THREADS_HTTP"),
    setting_flag("--n-predict", "tokens of an answer at most")
        .whole(-1, 1e7).alias("-n").env("LLAMA_ARG_N_PREDICT"),
    setting_flag("--load-mode", "how the file is read")
        .one_of("auto|none|mmap|mlock|mmap+mlock|dio").alias("-lm").env("LLAMA_ARG_LOAD_MODE").first(kLoadModeBuild),
    setting_flag("--no-mmap", "reads the file instead of mapping it").on_off().gone(kLoadModeBuild),
    setting_flag("--mlock", "keeps the weights in memory").on_off().gone(kLoadModeBuild),
    setting_flag("--no-kv-offload", "keeps keys and values in the machine's memory").on_off().alias("-nkvo"),
    setting_flag("--no-repack", "uses the file's layout of weights").on_off().alias("-nr"),
    setting_flag("--fit", "adjusts what is not set to the GPU's memory")
        .one_of("on|off").alias("-fit").env("LLAMA_ARG_FIT"),
    setting_flag("--fit-target", "MiB kept free when fitting").alias("-fitt").env("LLAMA_ARG_FIT_TARGET"),
    setting_flag("--override-tensor", "where tensors lie").alias("-ot").env("LLAMA_ARG_OVERRIDE_TENSOR"),
    setting_flag("--override-kv", "metadata in place of the file's"),
    setting_flag("--split-mode", "how several GPUs share the model")
        .one_of("none|layer|row|tensor").alias("-sm").env("LLAMA_ARG_SPLIT_MODE"),
    setting_flag("--tensor-split", "the share of each GPU").alias("-ts").env("LLAMA_ARG_TENSOR_SPLIT"),
    setting_flag("--main-gpu", "the GPU of small tensors").whole(0, 64).alias("-mg").env("LLAMA_ARG_MAIN_GPU"),
    setting_flag("--device", "which devices are used").alias("-dev").env("LLAMA_ARG_DEVICE"),
    setting_flag("--numa", "memory of several sockets")
        .one_of("distribute|isolate|numactl").env("LLAMA_ARG_NUMA"),
    setting_flag("--kv-unified", "lets one sequence use the context of the others")
        .on_off().alias("-kvu").env("LLAMA_ARG_KV_UNIFIED"),
    setting_flag("--cache-ram", "MiB of the machine's memory for old prompts")
        .whole(-1, 1e7).alias("-cram").env("LLAMA_ARG_CACHE_RAM"),
    setting_flag("--cache-reuse", "least tokens of a reused piece").whole(0, 1e6).env("LLAMA_ARG_CACHE_REUSE"),
    setting_flag("--swa-full", "whole caches of sliding-window layers").on_off().env("LLAMA_ARG_SWA_FULL"),
    setting_flag("--context-shift", "drops old tokens when the context is full")
        .on_off().env("LLAMA_ARG_CONTEXT_SHIFT"),
    setting_flag("--no-warmup", "starts without an empty pass").on_off(),
    setting_flag("--metrics", "figures for Prometheus at /metrics").on_off().env("LLAMA_ARG_ENDPOINT_METRICS"),
    setting_flag("--no-slots", "hides the state of sequences").on_off(),
    setting_flag("--slot-save-path", "a folder for saved sequences").env("LLAMA_ARG_SLOT_SAVE_PATH"),
    setting_flag("--alias", "the model's name for clients").alias("-a").env("LLAMA_ARG_ALIAS"),
    setting_flag("--api-key", "the key of clients; anybody who reads this file has it").env("LLAMA_API_KEY"),
    setting_flag("--api-key-file", "the file of the keys of clients").env("LLAMA_ARG_API_KEY_FILE"),
    setting_flag("--api-prefix", "what stands before every path").env("LLAMA_ARG_API_PREFIX"),
    setting_flag("--ssl-key-file", "the private key of TLS").env("LLAMA_ARG_SSL_KEY_FILE"),
    setting_flag("--ssl-cert-file", "the certificate of TLS").env("LLAMA_ARG_SSL_CERT_FILE"),
    setting_flag("--timeout", "seconds of a silent connection")
        .whole(1, 1e6).alias("-to").env("LLAMA_ARG_TIMEOUT"),
    setting_flag("--reasoning-format", "where thoughts are returned")
        .one_of("none|auto|deepseek|deepseek-legacy").env("LLAMA_ARG_THINK"),
    setting_flag("--reasoning-budget", "tokens of thought at most")
        .whole(-1, 1e7).env("LLAMA_ARG_THINK_BUDGET"),
    setting_flag("--chat-template-file", "a chat template in place of the file's")
        .env("LLAMA_ARG_CHAT_TEMPLATE_FILE"),
    setting_flag("--temp", "how freely tokens are drawn").real(0, 5).alias("--temperature"),
    setting_flag("--top-k", "the likeliest tokens that count").whole(0, 1e6),
    setting_flag("--top-p", "the probability mass that counts").real(0, 1),
    setting_flag("--min-p", "the least probability beside the likeliest token").real(0, 1),
    setting_flag("--seed", "makes sampling repeatable").whole().alias("-s"),
    setting_flag("--log-file", "the file of log lines").env("LLAMA_ARG_LOG_FILE"),
    setting_flag("--offline", "uses no network for files").on_off().env("LLAMA_ARG_OFFLINE"),
    setting_variable("LLAMA_ATTN_ROT_DISABLE", "quantized keys and values without rotation").boolean(),
    setting_variable("CUDA_VISIBLE_DEVICES", "which NVIDIA GPUs are used"),
    setting_variable("GGML_VK_VISIBLE_DEVICES", "which Vulkan devices are used"),
    setting_variable("HIP_VISIBLE_DEVICES", "which AMD GPUs are used"),
    setting_variable("HF_TOKEN", "the token for downloads; anybody who reads this file has it"),
};

}  // namespace

std::span<const ProviderSetting> llamacpp_settings() { return kLlamaCppSettings; }

}  // namespace docmind::providers
