// Finds the files under the given roots: globs, links, loops, order.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/file.h"

namespace docmind::ingest {

// Which files below a root are wanted. Globs match the path relative to the root, with '/' as
// separator; '*' and '?' do not cross '/', '**' does ("**/" is any number of folders, also none),
// '[a-z]' and '[!a-z]' are classes, '\' takes the next character as it is; a pattern without '/'
// matches the file name in any folder, a leading '/' ties it to the root; a trailing '/' (exclude
// only) matches a folder and all below it.
struct ScanOptions {
  std::vector<std::string> include;  // empty: every file with a known extension
  std::vector<std::string> exclude;  // always wins; hidden files and folders are always left out
                                     // unless an include names them with a leading dot
};

struct FoundFile {
  std::string path;  // absolute, lexically normal
  FileStamp stamp;
};

// A thing that was passed over and why; `path` may hold any bytes but NUL and '/'.
struct SkippedFile {
  std::string path;
  Error error;
};

struct ScanResult {
  std::vector<FoundFile> files;      // sorted by path, each once
  std::vector<SkippedFile> skipped;  // by path: no permission, links out of the root; not files
                                     // that the globs or unknown extensions leave out
  size_t n_ignored = 0;              // files left out by globs, hidden or unknown extension, things
                                     // that are no files; an unread folder counts as one
};

// Walks one root (a folder or a single file). Symbolic links to files or folders inside the root
// are followed once (loops end by device and inode), links out of the root are skipped with a
// reason. What a link leads to is reported under its own path, wanted if the globs want the link's
// path and exclude neither. The root itself may be a link; paths below a folder begin with the root
// as given (made absolute and normal), a file is reported with all links resolved. A single file
// given as root is taken whatever its name. kNotFound when the root does not exist, kPermission
// when it cannot be listed, kCancelled when `cancel` is raised.
Result<ScanResult> scan_root(const std::string& root, const ScanOptions& options,
                             const CancelToken& cancel);

// Checks the globs for syntax; kInvalidArgument names the pattern and the position.
Status check_globs(const ScanOptions& options);

// Whether `path` (relative to the root) is wanted under `options`; what scan_root applies to files.
// Nothing is wanted under globs that check_globs() refuses. Parses the globs at every call.
[[nodiscard]] bool wanted(std::string_view relative_path, const ScanOptions& options);

}  // namespace docmind::ingest
