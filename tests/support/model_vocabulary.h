// The tokenizer sections of random models.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gguf/writer.h"
#include "support/model_writer.h"

namespace docmind::test {

// Vocabularies in which any text has a tokenization, and English text one of whole words and pairs;
// llama.cpp reads them as well.
void add_vocabulary(gguf::Writer& writer, const ModelSpec& spec);

}  // namespace docmind::test
