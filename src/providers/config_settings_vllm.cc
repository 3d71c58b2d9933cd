// What `vllm serve` reads: flags, and variables that no flag stands for (engine arguments and envs of 0.8 to 0.29).
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "providers/provider_settings.h"

namespace docmind::providers {
namespace {

constexpr std::array kVllmSettings = {
    setting_flag("--model", "the model; --model-file changes it").by_plan(),
    setting_flag("--max-model-len", "the context").whole().by_plan(),
    setting_flag("--max-num-seqs", "sequences at the same time").whole().by_plan(),
    setting_flag("--kv-cache-dtype", "the KV format; --kv changes it").by_plan(),
    setting_flag("--gpu-memory-utilization", "the share of the GPU's memory").real().by_plan(),
    setting_flag("--hf-overrides", "scaling of positions").by_plan(),
    setting_flag("--rope-scaling", "scaling of positions").gone("0.11.1").by_plan(),
    setting_flag("--host", "the address").by_plan(),
    setting_flag("--port", "the port; --port of this command changes it").whole().by_plan(),
    setting_flag("--dtype", "the type of unquantized weights")
        .one_of("auto|half|float16|bfloat16|float|float32"),
    setting_flag("--quantization", "how the weights are quantized, if not detected").alias("-q"),
    setting_flag("--tokenizer", "the tokenizer's repository"),
    setting_flag("--served-model-name", "the model's name for clients"),
    setting_flag("--revision", "the revision of the repository"),
    setting_flag("--load-format", "how the files of weights are read"),
    setting_flag("--download-dir", "the folder of downloads"),
    setting_flag("--trust-remote-code", "runs code of the repository: only with one you trust").on_off(),
    setting_flag("--tensor-parallel-size", "GPUs that share each layer").whole(1, 1024).alias("-tp"),
    setting_flag("--pipeline-parallel-size", "GPUs in a row").whole(1, 1024).alias("-pp"),
    setting_flag("--data-parallel-size", "copies of the model").whole(1, 1024).alias("-dp"),
    setting_flag("--max-num-batched-tokens", "tokens of a pass").whole(1, 1 << 20),
    setting_flag("--block-size", "tokens of a block of the cache").whole(1, 1024),
    setting_flag("--enforce-eager", "no CUDA graphs: less memory, slower tokens").on_off(),
    setting_flag("--enable-prefix-caching", "reuses prefixes, which is the default").on_off(),
    setting_flag("--no-enable-prefix-caching", "reuses no prefixes").on_off(),
    setting_flag("--enable-chunked-prefill", "splits long prompts").on_off(),
    setting_flag("--no-enable-chunked-prefill", "splits no prompts").on_off(),
    setting_flag("--kv-cache-memory-bytes", "bytes of the cache").whole(1, 1e13).first("0.11.0"),
    setting_flag("--kv-cache-dtype-skip-layers", "layers whose cache stays unquantized").first("0.20.0"),
    setting_flag("--kv-offloading-size", "GiB of the machine's memory for the cache")
        .real(0, 1e5).first("0.14.0"),
    setting_flag("--cpu-offload-gb", "GiB of weights in the machine's memory").real(0, 1e5),
    setting_flag("--swap-space", "GiB of swapped cache").real(0, 1e5).gone("0.18.0"),
    setting_flag("--attention-backend", "the attention kernels; best left out")
        .one_of("FLASH_ATTN|FLASHINFER|TRITON_ATTN|FLEX_ATTENTION|TREE_ATTN|TURBOQUANT|CPU_ATTN|ROCM_ATTN|"
                "ROCM_AITER_FA|FLASHMLA|CUTLASS_MLA|TRITON_MLA")
        .first("0.13.0"),
    setting_flag("--scheduling-policy", "the order of requests").one_of("fcfs|priority"),
    setting_flag("--seed", "makes sampling repeatable").whole(),
    setting_flag("--generation-config", "where defaults of sampling come from"),
    setting_flag("--chat-template", "a chat template in place of the repository's"),
    setting_flag("--enable-auto-tool-choice", "lets the model call tools").on_off(),
    setting_flag("--tool-call-parser", "how tool calls are written"),
    setting_flag("--reasoning-parser", "how thoughts are written"),
    setting_flag("--max-logprobs", "log-probabilities of a token at most").whole(-1, 1e6),
    setting_flag("--speculative-config", "a draft model, as JSON"),
    setting_flag("--enable-lora", "serves adapters").on_off(),
    setting_flag("--max-loras", "adapters of a batch").whole(1, 1024),
    setting_flag("--api-key", "the key of clients; anybody who reads this file has it"),
    setting_flag("--root-path", "what stands before every path"),
    setting_flag("--ssl-keyfile", "the private key of TLS"),
    setting_flag("--ssl-certfile", "the certificate of TLS"),
    setting_flag("--uvicorn-log-level", "log lines of the web server")
        .one_of("critical|error|warning|info|debug|trace"),
    setting_flag("--disable-log-stats", "no lines of statistics").on_off(),
    setting_variable("VLLM_ALLOW_LONG_MAX_MODEL_LEN", "a context beyond the model's own; only with scaled positions")
        .boolean(),
    setting_variable("VLLM_ATTENTION_BACKEND", "the attention kernels").gone("0.13.0"),
    setting_variable("VLLM_API_KEY", "the key of clients; anybody who reads this file has it"),
    setting_variable("VLLM_LOGGING_LEVEL", "log lines").one_of("DEBUG|INFO|WARNING|ERROR|CRITICAL"),
    setting_variable("VLLM_CPU_KVCACHE_SPACE", "GiB of the cache on a CPU").whole().by_plan(),
    setting_variable("VLLM_CPU_OMP_THREADS_BIND", "which CPU cores are used"),
    setting_variable("VLLM_CACHE_ROOT", "the folder of compiled kernels"),
    setting_variable("VLLM_USE_MODELSCOPE", "downloads from ModelScope").boolean(),
    setting_variable("VLLM_NO_USAGE_STATS", "sends no usage statistics").boolean(),
    setting_variable("VLLM_DO_NOT_TRACK", "sends no usage statistics").boolean(),
    setting_variable("VLLM_HOST_IP", "this node's address among several"),
    setting_variable("VLLM_WORKER_MULTIPROC_METHOD", "how workers start").one_of("fork|spawn"),
    setting_variable("VLLM_FLASH_ATTN_VERSION", "the version of flash attention").whole(2, 4),
    setting_variable("VLLM_USE_FLASHINFER_SAMPLER", "FlashInfer's sampler").boolean(),
    setting_variable("VLLM_USE_DEEP_GEMM", "DeepGEMM's kernels for FP8 weights").boolean(),
    setting_variable("CUDA_VISIBLE_DEVICES", "which NVIDIA GPUs are used"),
    setting_variable("HF_HOME", "the folder of downloads"),
    setting_variable("HF_HUB_OFFLINE", "uses downloaded files only").boolean(),
    setting_variable("HF_TOKEN", "the token for downloads; anybody who reads this file has it"),
};

}  // namespace

std::span<const ProviderSetting> vllm_settings() { return kVllmSettings; }

}  // namespace docmind::providers
