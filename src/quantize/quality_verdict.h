// judge: whether a smaller model is within the limit of what it may lose.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantize/quality.h"

namespace docmind::quantize {

// Sets `passes` and `verdict` from the figures, the rule and `least` (above 0).
void judge(Quality& quality);

}  // namespace docmind::quantize
