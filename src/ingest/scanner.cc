// Walks a root without recursion: first the real folders, then what links lead to.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/scanner.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "ingest/glob.h"

namespace docmind::ingest {
namespace {

namespace fs = std::filesystem;

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};
using Dir = std::unique_ptr<DIR, CloseDir>;

struct FreeText {
  void operator()(char* text) const { ::free(text); }
};

// All links of `path` resolved; errno tells why not.
Result<std::string> resolve(const std::string& path) {
  const std::unique_ptr<char, FreeText> real(::realpath(path.c_str(), nullptr));
  if (real == nullptr) return errno_error("resolve", path, errno);
  return std::string(real.get());
}

enum class EntryKind { kFile, kFolder, kLink, kOther, kGone };

EntryKind kind_of_mode(mode_t mode) {
  if (S_ISREG(mode)) return EntryKind::kFile;
  if (S_ISDIR(mode)) return EntryKind::kFolder;
  return S_ISLNK(mode) ? EntryKind::kLink : EntryKind::kOther;
}

// Not every file system says in the listing what an entry is.
EntryKind kind_of_entry(int folder_fd, const dirent& entry) {
  switch (entry.d_type) {
    case DT_REG: return EntryKind::kFile;
    case DT_DIR: return EntryKind::kFolder;
    case DT_LNK: return EntryKind::kLink;
    case DT_UNKNOWN: break;
    default: return EntryKind::kOther;
  }
  struct stat st {};
  if (::fstatat(folder_fd, entry.d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) return EntryKind::kGone;
  return kind_of_mode(st.st_mode);
}

// The absolute, lexically normal form of a root, without a trailing slash.
Result<std::string> normal_root(const std::string& root) {
  if (root.empty() || root.find('\0') != std::string::npos) {
    return Error{ErrorCode::kInvalidArgument,
                 root.empty() ? "a root to scan is empty" : "a root to scan holds a NUL byte"};
  }
  std::error_code ec;
  const fs::path absolute = fs::absolute(root, ec);
  if (ec) return errno_error("find the absolute path of", root, ec.value());
  std::string normal = absolute.lexically_normal().string();
  while (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

class Walk {
 public:
  Walk(std::string root, std::string real_root, PathFilter filter, const CancelToken& cancel)
      : root_(std::move(root)),
        real_root_(std::move(real_root)),
        filter_(std::move(filter)),
        cancel_(cancel) {}

  Result<ScanResult> run() {
    folders_.push_back(Place{.path = root_, .name = ""});
    DM_TRY(walk_folders());
    // Real folders come first so that a file reached both ways is judged by its own name.
    while (!links_.empty()) {
      std::vector<Place> links = std::exchange(links_, {});
      std::sort(links.begin(), links.end(),
                [](const Place& a, const Place& b) { return a.name < b.name; });
      for (const Place& link : links) {
        if (cancel_.cancelled()) return cancelled();
        follow(link);
        DM_TRY(walk_folders());
      }
    }
    return finish();
  }

 private:
  // Something below the root: where it is, and the relative name that the globs judge. They differ
  // below a followed link.
  struct Place {
    std::string path;
    std::string name;
  };

  static Error cancelled() { return Error{ErrorCode::kCancelled, "the scan was cancelled"}; }

  void skip(const std::string& path, Error error) {
    result_.skipped.push_back(SkippedFile{.path = path, .error = std::move(error)});
  }

  Status walk_folders() {
    while (!folders_.empty()) {
      const Place folder = std::move(folders_.back());
      folders_.pop_back();
      Status listed = list(folder);
      if (listed.ok()) continue;
      const ErrorCode code = listed.error().code;
      if (code == ErrorCode::kCancelled || folder.path == root_) return listed;
      if (code == ErrorCode::kNotFound) continue;  // removed while we looked
      skip(folder.path, std::move(listed).error());
    }
    return {};
  }

  Status list(const Place& folder) {
    // Only the root may be a link itself; anything else that became one meanwhile is not entered.
    const int no_follow = folder.path == root_ ? 0 : O_NOFOLLOW;
    UniqueFd fd(::open(folder.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | no_follow));
    if (!fd.valid()) return errno_error("open folder", folder.path, errno);
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) return errno_error("stat folder", folder.path, errno);
    if (!seen_.emplace(st.st_dev, st.st_ino).second) return {};
    const Dir dir(::fdopendir(fd.get()));
    if (dir == nullptr) return errno_error("open folder", folder.path, errno);
    fd.release();  // closedir() closes it
    for (;;) {
      if (cancel_.cancelled()) return cancelled();
      errno = 0;
      const dirent* entry = ::readdir(dir.get());
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") visit(folder, ::dirfd(dir.get()), *entry);
    }
    if (errno != 0) return errno_error("read folder", folder.path, errno);
    return {};
  }

  void visit(const Place& folder, int folder_fd, const dirent& entry) {
    Place place{.path = join_path(folder.path, entry.d_name), .name = join_path(folder.name, entry.d_name)};
    switch (kind_of_entry(folder_fd, entry)) {
      case EntryKind::kFile:
        take_file(place);
        break;
      case EntryKind::kFolder:
        if (filter_.wants_folder(place.name)) {
          folders_.push_back(std::move(place));
        } else {
          ++result_.n_ignored;
        }
        break;
      case EntryKind::kLink: links_.push_back(std::move(place)); break;
      case EntryKind::kOther: ++result_.n_ignored; break;
      case EntryKind::kGone: break;
    }
  }

  void take_file(const Place& file) {
    // Exclude patterns also hold for the real name of what a link leads to.
    const std::string_view real_name =
        std::string_view(file.path).substr(join_path(root_, "").size());
    const bool linked = real_name != file.name;
    if (filter_.wants_file(file.name) && !(linked && filter_.excludes(real_name))) {
      add_file(file.path);
    } else {
      ++result_.n_ignored;
    }
  }

  void add_file(const std::string& path) {
    Result<FileStamp> stamp = stat_regular_file(path);
    if (stamp.ok()) {
      result_.files.push_back(FoundFile{.path = path, .stamp = *stamp});
    } else if (stamp.error().code != ErrorCode::kNotFound &&
               stamp.error().code != ErrorCode::kUnsupported) {
      skip(path, std::move(stamp).error());
    }  // otherwise it went away or was replaced while we looked; the next scan sees what is there
  }

  void follow(const Place& link) {
    if (filter_.excludes(link.name) || filter_.hides(link.name)) {
      ++result_.n_ignored;
      return;
    }
    Result<std::string> real = resolve(link.path);
    struct stat st {};
    if (!real.ok()) return skip(link.path, std::move(real).error().with_context("link"));
    if (::lstat(real->c_str(), &st) != 0) {
      return skip(link.path, errno_error("stat the target of link", link.path, errno));
    }
    const EntryKind kind = kind_of_mode(st.st_mode);
    const bool wanted = (kind == EntryKind::kFile && filter_.wants_file(link.name)) ||
                        (kind == EntryKind::kFolder && filter_.wants_folder(link.name));
    const std::string target = below_root(*real);
    if (!wanted) {
      ++result_.n_ignored;
    } else if (target.empty()) {
      skip(link.path, Error{ErrorCode::kUnsupported, "the link '" + link.path + "' leads to '" +
                                                         *real + "', outside of '" + root_ + "'"});
    } else if (kind == EntryKind::kFile) {
      take_file(Place{.path = target, .name = link.name});
    } else {
      folders_.push_back(Place{.path = target, .name = link.name});
    }
  }

  // The path under the root as given of a resolved path; empty when it is not inside.
  std::string below_root(const std::string& real) const {
    if (real == real_root_) return root_;
    const std::string prefix = join_path(real_root_, "");
    if (!real.starts_with(prefix)) return {};
    return join_path(root_, std::string_view(real).substr(prefix.size()));
  }

  ScanResult finish() {
    const auto by_path = [](const auto& a, const auto& b) { return a.path < b.path; };
    auto& files = result_.files;
    std::sort(files.begin(), files.end(), by_path);
    files.erase(std::unique(files.begin(), files.end(),
                            [](const auto& a, const auto& b) { return a.path == b.path; }),
                files.end());
    std::sort(result_.skipped.begin(), result_.skipped.end(), by_path);
    return std::move(result_);
  }

  const std::string root_;
  const std::string real_root_;
  const PathFilter filter_;
  const CancelToken& cancel_;
  std::vector<Place> folders_;  // still to be listed
  std::vector<Place> links_;    // still to be followed
  std::set<std::pair<dev_t, ino_t>> seen_;
  ScanResult result_;
};

Result<ScanResult> single_file(const std::string& path) {
  DM_ASSIGN(const FileStamp stamp, stat_regular_file(path));
  ScanResult result;
  result.files.push_back(FoundFile{.path = path, .stamp = stamp});
  return result;
}

}  // namespace

Result<ScanResult> scan_root(const std::string& root, const ScanOptions& options,
                             const CancelToken& cancel) {
  DM_ASSIGN(PathFilter filter, PathFilter::parse(options.include, options.exclude));
  DM_ASSIGN(std::string normal, normal_root(root));
  DM_ASSIGN(std::string real, resolve(normal));
  struct stat st {};
  if (::stat(real.c_str(), &st) != 0) return errno_error("stat", normal, errno);
  switch (kind_of_mode(st.st_mode)) {
    case EntryKind::kFolder:
      return Walk(std::move(normal), std::move(real), std::move(filter), cancel).run();
    case EntryKind::kFile: return single_file(real);
    default:
      return Error{ErrorCode::kUnsupported, "'" + normal + "' is neither a file nor a folder"};
  }
}

Status check_globs(const ScanOptions& options) {
  Result<PathFilter> filter = PathFilter::parse(options.include, options.exclude);
  if (!filter.ok()) return std::move(filter).error();
  return {};
}

bool wanted(std::string_view relative_path, const ScanOptions& options) {
  const Result<PathFilter> filter = PathFilter::parse(options.include, options.exclude);
  return filter.ok() && filter->wants_file(relative_path);
}

}  // namespace docmind::ingest
