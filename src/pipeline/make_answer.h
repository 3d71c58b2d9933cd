// make_answer: from retrieved passages to a cited answer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/cancel.h"
#include "base/error.h"
#include "monitor/trace.h"
#include "pipeline/answer.h"
#include "pipeline/ask_options.h"
#include "pipeline/corpus.h"
#include "providers/provider.h"

namespace docmind::pipeline {

// The text goes to `sink` as it is made. Passages that do not cover the question enough are left out;
// none left, or a generator that finds no answer in them, gives an Answer with `answered` false.
Result<Answer> make_answer(const providers::Generator& generator, std::string_view question,
                           const Retrieval& retrieval, const AskOptions& options,
                           const providers::TextSink& sink, monitor::Trace& trace,
                           const CancelToken& cancel);

}  // namespace docmind::pipeline
