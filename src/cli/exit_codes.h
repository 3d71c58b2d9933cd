// The exit codes of the binary; documented in --help.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"

namespace docmind::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;       // the command could not do its work
inline constexpr int kExitUsage = 2;        // wrong flags, arguments or configuration
inline constexpr int kExitSkipped = 3;      // done, but some files were skipped; they are named
inline constexpr int kExitBusy = 4;         // another process is writing to the store, or a server of models is busy
inline constexpr int kExitDoesNotFit = 5;   // 'plan': what was asked for is more than the memory
inline constexpr int kExitInterrupted = 130;  // Ctrl-C; committed work is kept

[[nodiscard]] inline int exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return kExitUsage;
    case ErrorCode::kBusy: return kExitBusy;
    case ErrorCode::kCancelled: return kExitInterrupted;
    default: return kExitFailed;
  }
}

}  // namespace docmind::cli
