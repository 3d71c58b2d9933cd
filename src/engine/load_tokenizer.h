// load_tokenizer: the tokenizer that a GGUF file describes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "base/error.h"
#include "gguf/file.h"
#include "tokenizer/tokenizer.h"

namespace docmind::engine {

// Reads the tokenizer.ggml.* keys; what they leave out is as llama.cpp has it for the kind of
// vocabulary. kUnsupported names a tokenizer or pre-split that we do not know, kNotFound a missing
// key, kMalformed what is wrong with its value; all name the file. The tokenizer does not need the
// file any more.
Result<std::unique_ptr<tokenizer::Tokenizer>> load_tokenizer(const gguf::File& file);

// tokenizer.chat_template; kNotFound without one.
Result<std::string> load_chat_template(const gguf::File& file);

}  // namespace docmind::engine
