// Tests that are written in JavaScript, because what they test is.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "support/docmind.h"

namespace docmind::test {

// Runs `node --test` on files below `folder`, one after the other; what fails is a failure of the test, with its
// output.
void run_node_tests(const Sandbox& box, const std::string& folder, const std::vector<std::string>& files,
                    const std::map<std::string, std::string>& env);

}  // namespace docmind::test
