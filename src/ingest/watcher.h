// Watches roots for changes with inotify; reports that something changed, not what.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"

namespace docmind::ingest {

// Watches every folder below the roots, new ones included, but for hidden ones (names that begin
// with '.') and those that may not be read. A root that is removed and made again is found again as
// long as the folder around it stays. One thread at a time.
class Watcher {
 public:
  // A root is a folder or a file. kNotFound when one does not exist; kLimit names
  // fs.inotify.max_user_watches when the system has too few watches.
  static Result<Watcher> create(const std::vector<std::string>& roots);
  Watcher(Watcher&&) noexcept;
  Watcher& operator=(Watcher&&) noexcept;
  ~Watcher();

  // Blocks until something below a root changed and then was quiet for `quiet_ms` (but at most
  // 5 s after the first change), or `cancel` is raised (kCancelled). A lost-events overflow counts
  // as a change of every root. Changes since create() or the last wait() count. Returns the roots
  // that changed, as they were given, in the order given. kLimit as for create(), for new folders.
  Result<std::vector<std::string>> wait(int quiet_ms, const CancelToken& cancel);

 private:
  struct Impl;
  explicit Watcher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace docmind::ingest
