// What Ollama reads: variables of its server (envconfig of 0.30) and parameters of a Modelfile.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "providers/provider_settings.h"

namespace docmind::providers {
namespace {

constexpr std::array kOllamaSettings = {
    setting_variable("OLLAMA_AUTH", "asks clients for authentication").boolean(),
    setting_variable("OLLAMA_CONTEXT_LENGTH", "the context").whole().by_plan(),
    setting_variable("OLLAMA_DEBUG", "more log lines; 2 traces").one_of("0|1|2|true|false"),
    setting_variable("OLLAMA_DEBUG_LOG_REQUESTS", "keeps requests for debugging").boolean(),
    setting_variable("OLLAMA_EDITOR", "the editor of the command line"),
    setting_variable("OLLAMA_FLASH_ATTENTION", "flash attention; follows the KV format").boolean().by_plan(),
    setting_variable("OLLAMA_GO_TEMPLATE", "prefers Go templates of prompts").boolean(),
    setting_variable("OLLAMA_GPU_OVERHEAD", "bytes of each GPU kept free").whole(0, 1e12),
    setting_variable("OLLAMA_HOST", "the address; --port sets its port").by_plan(),
    setting_variable("OLLAMA_IGPU_ENABLE", "uses integrated GPUs").boolean(),
    setting_variable("OLLAMA_KEEP_ALIVE", "how long a model stays loaded after a request").time(),
    setting_variable("OLLAMA_KV_CACHE_TYPE", "the KV format; --kv changes it")
        .one_of("f16|q8_0|q4_0").by_plan(),
    setting_variable("OLLAMA_LLM_LIBRARY", "the library to use instead of the detected one"),
    setting_variable("OLLAMA_LOAD_TIMEOUT", "how long loading may stand still").time(),
    setting_variable("OLLAMA_MAX_LOADED_MODELS", "models loaded at the same time").whole(0, 64),
    setting_variable("OLLAMA_MAX_QUEUE", "requests that may wait").whole(1, 1e6),
    setting_variable("OLLAMA_MAX_TRANSFER_STREAMS", "streams of a download").whole(1, 64),
    setting_variable("OLLAMA_MODELS", "the folder of models"),
    setting_variable("OLLAMA_NO_CLOUD", "keeps every model on this machine").boolean(),
    setting_variable("OLLAMA_NOHISTORY", "keeps no history of the command line").boolean(),
    setting_variable("OLLAMA_NOPRUNE", "keeps unused files of models at the start").boolean(),
    setting_variable("OLLAMA_NUM_PARALLEL", "sequences at the same time").whole().by_plan(),
    setting_variable("OLLAMA_ORIGINS", "web origins that may call, with commas"),
    setting_variable("OLLAMA_REMOTES", "hosts that remote models may come from"),
    setting_variable("OLLAMA_SCHED_SPREAD", "spreads each model over all GPUs").boolean(),
    setting_variable("OLLAMA_VULKAN", "uses Vulkan").boolean(),
    setting_variable("LLAMA_ARG_FIT", "fits layers to the GPU's memory").one_of("on|off"),
    setting_variable("LLAMA_ARG_FIT_TARGET", "MiB of each GPU kept free when fitting"),
    setting_variable("CUDA_VISIBLE_DEVICES", "which NVIDIA GPUs are used"),
    setting_variable("HIP_VISIBLE_DEVICES", "which AMD GPUs are used"),
    setting_variable("ROCR_VISIBLE_DEVICES", "which AMD GPUs are used"),
    setting_variable("GGML_VK_VISIBLE_DEVICES", "which Vulkan devices are used"),
    setting_variable("HSA_OVERRIDE_GFX_VERSION", "the AMD architecture to build kernels for"),
    setting_parameter("num_ctx", "the context").whole().by_plan(),
    setting_parameter("num_thread", "CPU threads").whole(1, 1024),
    setting_parameter("num_batch", "tokens of a pass over a prompt").whole(1, 65536),
    setting_parameter("num_gpu", "layers on the GPU; -1: as many as fit").whole(-1, 1000),
    setting_parameter("main_gpu", "the GPU of small tensors").whole(0, 64),
    setting_parameter("use_mmap", "maps the file into memory").one_of("true|false"),
    setting_parameter("num_keep", "tokens of the prompt kept when the context shifts").whole(-1, 1e6),
    setting_parameter("num_predict", "tokens of an answer at most; -1: no limit").whole(-2, 1e7),
    setting_parameter("draft_num_predict", "draft tokens of a step").whole(0, 256),
    setting_parameter("seed", "makes sampling repeatable").whole(),
    setting_parameter("temperature", "how freely tokens are drawn").real(0, 5),
    setting_parameter("top_k", "the likeliest tokens that count").whole(0, 1e6),
    setting_parameter("top_p", "the probability mass that counts").real(0, 1),
    setting_parameter("min_p", "the least probability beside the likeliest token").real(0, 1),
    setting_parameter("typical_p", "locally typical sampling").real(0, 1),
    setting_parameter("repeat_last_n", "tokens looked back for repetition").whole(-1, 1e6),
    setting_parameter("repeat_penalty", "penalty of repetition").real(0, 10),
    setting_parameter("presence_penalty", "penalty of tokens that occurred").real(-2, 2),
    setting_parameter("frequency_penalty", "penalty by how often tokens occurred").real(-2, 2),
    setting_parameter("stop", "a text that ends an answer"),
};

}  // namespace

std::span<const ProviderSetting> ollama_settings() { return kOllamaSettings; }

}  // namespace docmind::providers
