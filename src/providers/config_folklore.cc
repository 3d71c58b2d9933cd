// Settings that guides and older versions name and that do nothing or stop the server, with what does the work.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "providers/provider_settings.h"

namespace docmind::providers {
namespace {

constexpr std::array kFolklore = {
    FolkloreSetting{"ollama_num_threads", "--threads N (with Ollama the parameter num_thread)"},
    FolkloreSetting{"ollama_num_thread", "--threads N (with Ollama the parameter num_thread)"},
    FolkloreSetting{"ollama_num_ctx", "docmind plan --context N, written as OLLAMA_CONTEXT_LENGTH and num_ctx"},
    FolkloreSetting{"ollama_num_gpu", "the parameter num_gpu: --set num_gpu=N"},
    FolkloreSetting{"ollama_gpu_layers", "the parameter num_gpu: --set num_gpu=N"},
    FolkloreSetting{"ollama_max_vram", "OLLAMA_GPU_OVERHEAD, the bytes to keep free"},
    FolkloreSetting{"ollama_kv_cache_type_k", "--kv; Ollama has one type for keys and values, OLLAMA_KV_CACHE_TYPE"},
    FolkloreSetting{"ollama_kv_cache_type_v", "--kv; Ollama has one type for keys and values, OLLAMA_KV_CACHE_TYPE"},
    FolkloreSetting{"ollama_yarn", "a GGUF whose metadata holds the longer context"},
    FolkloreSetting{"ollama_rope_scaling", "a GGUF whose metadata holds the longer context"},
    FolkloreSetting{"llama_cublas", "the build option -DGGML_CUDA=ON; it is no variable at run time"},
    FolkloreSetting{"llama_cuda", "the build option -DGGML_CUDA=ON"},
    FolkloreSetting{"ggml_cuda", "the build option -DGGML_CUDA=ON when llama.cpp is compiled"},
    FolkloreSetting{"dllama_cublas", "the build option -DGGML_CUDA=ON"},
    FolkloreSetting{"dllama_cuda", "the build option -DGGML_CUDA=ON"},
    FolkloreSetting{"llama_flash_attn", "-fa on, or LLAMA_ARG_FLASH_ATTN=on; the plan writes them"},
    FolkloreSetting{"dllama_flash_attn", "-fa on at run time; the build has flash attention in it (GGML_CUDA_FA)"},
    FolkloreSetting{"cache_type", "--kv, written as --cache-type-k and --cache-type-v"},
    FolkloreSetting{"kv_cache_type", "--kv: the plan writes OLLAMA_KV_CACHE_TYPE, -ctk and -ctv, or --kv-cache-dtype"},
    FolkloreSetting{"no_mmap", "--set load-mode=none"},
    FolkloreSetting{"mmap", "--set load-mode=mmap"},
    FolkloreSetting{"mlock", "--set load-mode=mlock"},
    FolkloreSetting{"direct_io", "--set load-mode=dio"},
    FolkloreSetting{"vllm_attention_backend", "--attention-backend: --set attention-backend=FLASH_ATTN; best left out"},
    FolkloreSetting{"quantize_kv_cache", "--kv int8, written as --kv-cache-dtype"},
    FolkloreSetting{"enable_kv_cache_quantization", "--kv int8, written as --kv-cache-dtype"},
    FolkloreSetting{"enable_kv_quantization", "--kv int8, written as --kv-cache-dtype"},
    FolkloreSetting{"enable_kv_cache", "--kv for its format; keys and values are always cached"},
    FolkloreSetting{"enable_kv_caching", "--kv for its format; keys and values are always cached"},
    FolkloreSetting{"kv_cache_quantization", "--kv int8, written for the provider"},
    FolkloreSetting{"quantization_param_path", "--kv: scales come with the model or are made at run time"},
    FolkloreSetting{"calculate_kv_scales", "--kv int8: its scales are made at run time for each token and head"},
    FolkloreSetting{"rope_scaling", "docmind plan --context N, written as --hf-overrides"},
    FolkloreSetting{"rope_theta", "docmind plan --context N, written as --hf-overrides"},
    FolkloreSetting{"swap_space", "--set kv-offloading-size=GIB"},
    FolkloreSetting{"use_v2_block_manager", "nothing: there is one block manager"},
    FolkloreSetting{"vllm_use_v1", "nothing: there is one engine since 0.11"},
    FolkloreSetting{"use_flash_attention_2", "--attention-backend of vLLM; other servers choose by themselves"},
    FolkloreSetting{"bnb_8bit_compute_dtype", "nothing: bitsandbytes has bnb_4bit_compute_dtype only"},
    FolkloreSetting{"bnb_4bit_compute_dtype", "a repository quantized ahead: --model-file REPOSITORY"},
    FolkloreSetting{"load_in_4bit", "a repository quantized ahead: --model-file REPOSITORY"},
    FolkloreSetting{"load_in_8bit", "a repository quantized ahead: --model-file REPOSITORY"},
    FolkloreSetting{"expert_bits", "--kv mixed with llama.cpp, or the native engine's own mixed format"},
};

}  // namespace

std::span<const FolkloreSetting> folklore_settings() { return kFolklore; }

}  // namespace docmind::providers
