// The models that the catalogue knows without a user's file. Sizes and hashes are left to the server:
// what was not measured here is not claimed.
// SPDX-License-Identifier: Apache-2.0
#include "providers/model_catalogue.h"

namespace docmind::providers {

std::string_view builtin_models_toml() {
  return R"([[model]]
name = "qwen3-0.6b-q4_k_m"
kind = "generator"
url = "https://huggingface.co/unsloth/Qwen3-0.6B-GGUF/resolve/main/Qwen3-0.6B-Q4_K_M.gguf"
licence = "Apache-2.0"
description = "Qwen3, 0.6 billion parameters, about 0.4 GB: the fastest, for short answers"

[[model]]
name = "qwen3-0.6b-q8_0"
kind = "generator"
url = "https://huggingface.co/Qwen/Qwen3-0.6B-GGUF/resolve/main/Qwen3-0.6B-Q8_0.gguf"
licence = "Apache-2.0"
description = "Qwen3, 0.6 billion parameters, about 0.6 GB"

[[model]]
name = "qwen3-1.7b-q4_k_m"
kind = "generator"
url = "https://huggingface.co/unsloth/Qwen3-1.7B-GGUF/resolve/main/Qwen3-1.7B-Q4_K_M.gguf"
licence = "Apache-2.0"
description = "Qwen3, 1.7 billion parameters, about 1.1 GB"

[[model]]
name = "qwen3-1.7b-q8_0"
kind = "generator"
url = "https://huggingface.co/Qwen/Qwen3-1.7B-GGUF/resolve/main/Qwen3-1.7B-Q8_0.gguf"
licence = "Apache-2.0"
description = "Qwen3, 1.7 billion parameters, about 1.8 GB"

[[model]]
name = "qwen3-4b-q4_k_m"
kind = "generator"
url = "https://huggingface.co/Qwen/Qwen3-4B-GGUF/resolve/main/Qwen3-4B-Q4_K_M.gguf"
licence = "Apache-2.0"
description = "Qwen3, 4 billion parameters, about 2.5 GB: a good choice for 8 GB of memory"

[[model]]
name = "qwen3-4b-q8_0"
kind = "generator"
url = "https://huggingface.co/Qwen/Qwen3-4B-GGUF/resolve/main/Qwen3-4B-Q8_0.gguf"
licence = "Apache-2.0"
description = "Qwen3, 4 billion parameters, about 4.3 GB"

[[model]]
name = "qwen3-8b-q4_k_m"
kind = "generator"
url = "https://huggingface.co/Qwen/Qwen3-8B-GGUF/resolve/main/Qwen3-8B-Q4_K_M.gguf"
licence = "Apache-2.0"
description = "Qwen3, 8 billion parameters, about 5 GB: a good choice for 16 GB of memory"

[[model]]
name = "qwen3-8b-q8_0"
kind = "generator"
url = "https://huggingface.co/Qwen/Qwen3-8B-GGUF/resolve/main/Qwen3-8B-Q8_0.gguf"
licence = "Apache-2.0"
description = "Qwen3, 8 billion parameters, about 8.7 GB"

[[model]]
name = "qwen3-14b-q4_k_m"
kind = "generator"
url = "https://huggingface.co/Qwen/Qwen3-14B-GGUF/resolve/main/Qwen3-14B-Q4_K_M.gguf"
licence = "Apache-2.0"
description = "Qwen3, 14 billion parameters, about 9 GB"

[[model]]
name = "qwen3-14b-q8_0"
kind = "generator"
url = "https://huggingface.co/Qwen/Qwen3-14B-GGUF/resolve/main/Qwen3-14B-Q8_0.gguf"
licence = "Apache-2.0"
description = "Qwen3, 14 billion parameters, about 16 GB"

[[model]]
name = "bge-m3-q8_0"
kind = "embedder"
url = "https://huggingface.co/gpustack/bge-m3-GGUF/resolve/main/bge-m3-Q8_0.gguf"
licence = "MIT"
description = "BGE-M3, multilingual, 8,192 tokens, 1,024 dimensions, about 0.6 GB"

[[model]]
name = "bge-m3-f16"
kind = "embedder"
url = "https://huggingface.co/gpustack/bge-m3-GGUF/resolve/main/bge-m3-FP16.gguf"
licence = "MIT"
description = "BGE-M3, multilingual, 8,192 tokens, 1,024 dimensions, about 1.2 GB"

[[model]]
name = "bge-reranker-v2-m3-q8_0"
kind = "reranker"
url = "https://huggingface.co/gpustack/bge-reranker-v2-m3-GGUF/resolve/main/bge-reranker-v2-m3-Q8_0.gguf"
licence = "Apache-2.0"
description = "BGE reranker v2 M3, multilingual, about 0.6 GB"

[[model]]
name = "bge-reranker-v2-m3-f16"
kind = "reranker"
url = "https://huggingface.co/gpustack/bge-reranker-v2-m3-GGUF/resolve/main/bge-reranker-v2-m3-FP16.gguf"
licence = "Apache-2.0"
description = "BGE reranker v2 M3, multilingual, about 1.2 GB"
)";
}

}  // namespace docmind::providers
