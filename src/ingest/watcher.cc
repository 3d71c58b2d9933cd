// Watches roots through inotify: one watch per folder, and one on the folder around each root.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/watcher.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/file.h"

namespace docmind::ingest {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kMask = IN_CREATE | IN_CLOSE_WRITE | IN_MODIFY | IN_DELETE | IN_MOVED_FROM |
                           IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr int kSliceMs = 100;        // between two looks at the cancel token
constexpr double kLongestMs = 5'000;  // a busy folder is reported after this long all the same

Error limit_error(std::string_view what, const std::string& path, std::string_view setting) {
  std::string message = "the system has no more ";
  message.append(what).append(" to watch '").append(path).append("'; raise ").append(setting);
  return Error{ErrorCode::kLimit, std::move(message)};
}

// Folders in `path` that are not hidden; none when it cannot be read (the scanner says why).
std::vector<std::string> subfolders(const std::string& path) {
  std::vector<std::string> found;
  std::error_code ec;
  for (fs::directory_iterator entry(path, ec), end; !ec && entry != end; entry.increment(ec)) {
    const std::string name = entry->path().filename().string();
    std::error_code status_error;
    if (!name.starts_with('.') && entry->symlink_status(status_error).type() ==
                                      fs::file_type::directory) {
      found.push_back(join_path(path, name));
    }
  }
  return found;
}

}  // namespace

struct Watcher::Impl {
  struct Root {
    std::string given;
    std::string path;  // absolute and normal; links in it are resolved again when it changes
  };
  // A name in a watched folder that is (or links to) a root.
  struct Named {
    std::string name;
    size_t root = 0;
    auto operator<=>(const Named&) const = default;
  };
  struct Folder {
    std::string path;
    std::set<size_t> below;  // roots that this folder is in (or is)
    std::set<Named> named;   // roots that this folder is around
  };

  std::vector<Root> roots;
  UniqueFd fd;
  std::unordered_map<int, Folder> folders;  // by watch descriptor
  std::map<std::string, int> by_path;       // the same; a folder's subfolders lie together
  std::set<size_t> changed;

  Status start();
  Result<int> watch(const std::string& path);
  Status watch_root(size_t root);
  Status watch_around(const std::string& path, size_t root);
  Status watch_tree(const std::string& path, const std::set<size_t>& below);
  void drop(int descriptor);
  void forget_path(const std::string& path, int descriptor);
  void drop_tree(const std::string& path);
  Result<bool> read_events();
  Result<bool> handle(const inotify_event& event, const std::string& name);
  Result<bool> handle_named(const Folder& folder, uint32_t mask, const std::string& name);
  void mark_all();
};

Status Watcher::Impl::start() {
  folders.clear();
  by_path.clear();
  fd.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd.valid()) {
    if (errno == EMFILE) {
      return limit_error("inotify instances", roots.front().given,
                         "fs.inotify.max_user_instances or the limit on open files (ulimit -n)");
    }
    return errno_error("start inotify for", roots.front().given, errno);
  }
  for (size_t root = 0; root < roots.size(); ++root) DM_TRY(watch_root(root));
  return {};
}

// The descriptor of the watch on a folder; -1 when the folder went away or may not be read.
Result<int> Watcher::Impl::watch(const std::string& path) {
  const int descriptor = ::inotify_add_watch(fd.get(), path.c_str(), kMask);
  if (descriptor < 0) {
    switch (errno) {
      case ENOSPC:
        return limit_error("watches (one per folder)", path, "fs.inotify.max_user_watches");
      case ENOENT:
      case ENOTDIR:
      case ELOOP:
      case EACCES:
      case ENAMETOOLONG: return -1;
      default: return errno_error("watch", path, errno);
    }
  }
  // The same folder under a new name keeps its descriptor.
  Folder& folder = folders[descriptor];
  if (folder.path != path) {
    forget_path(folder.path, descriptor);
    folder.path = path;
    by_path[path] = descriptor;
  }
  return descriptor;
}

Status Watcher::Impl::watch_around(const std::string& path, size_t root) {
  const fs::path whole(path);
  if (!whole.has_relative_path()) return {};  // nothing is around "/"
  DM_ASSIGN(const int descriptor, watch(whole.parent_path().string()));
  if (descriptor >= 0) {
    folders[descriptor].named.insert(Named{.name = whole.filename().string(), .root = root});
  }
  return {};
}

// Watches what the root is now; a root that is not there now is found when it comes back.
Status Watcher::Impl::watch_root(size_t root) {
  const std::string& path = roots[root].path;
  DM_TRY(watch_around(path, root));
  std::error_code ec;
  const std::string real = fs::canonical(path, ec).string();
  if (ec) return {};
  if (real != path) DM_TRY(watch_around(real, root));
  if (fs::is_directory(real, ec)) DM_TRY(watch_tree(real, {root}));
  return {};
}

Status Watcher::Impl::watch_tree(const std::string& path, const std::set<size_t>& below) {
  std::vector<std::string> todo{path};
  while (!todo.empty()) {
    const std::string next = std::move(todo.back());
    todo.pop_back();
    // First the watch, then the listing: what is made in between is found by one or the other.
    DM_ASSIGN(const int descriptor, watch(next));
    if (descriptor < 0) continue;
    folders[descriptor].below.insert(below.begin(), below.end());
    for (std::string& sub : subfolders(next)) todo.push_back(std::move(sub));
  }
  return {};
}

void Watcher::Impl::drop(int descriptor) {
  ::inotify_rm_watch(fd.get(), descriptor);
  const auto found = folders.find(descriptor);
  if (found == folders.end()) return;
  forget_path(found->second.path, descriptor);
  folders.erase(found);
}

// Another folder may have taken the path by now.
void Watcher::Impl::forget_path(const std::string& path, int descriptor) {
  const auto found = by_path.find(path);
  if (found != by_path.end() && found->second == descriptor) by_path.erase(found);
}

void Watcher::Impl::drop_tree(const std::string& path) {
  std::vector<int> doomed;
  if (const auto self = by_path.find(path); self != by_path.end()) doomed.push_back(self->second);
  const std::string prefix = join_path(path, "");
  for (auto sub = by_path.lower_bound(prefix);
       sub != by_path.end() && sub->first.starts_with(prefix); ++sub) {
    doomed.push_back(sub->second);
  }
  for (const int descriptor : doomed) drop(descriptor);
}

void Watcher::Impl::mark_all() {
  for (size_t root = 0; root < roots.size(); ++root) changed.insert(root);
}

// Takes all waiting events; true when one of them was a change of a root.
Result<bool> Watcher::Impl::read_events() {
  alignas(inotify_event) std::array<char, 64 * 1024> buffer;
  bool any = false;
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return any;
    if (n <= 0) return errno_error("read changes of", roots.front().given, errno);
    const std::string_view bytes(buffer.data(), static_cast<size_t>(n));
    for (size_t at = 0; at + sizeof(inotify_event) <= bytes.size();) {
      inotify_event event{};
      std::memcpy(&event, bytes.data() + at, sizeof(event));
      // The name is padded with NUL bytes.
      const std::string name(bytes.substr(at + sizeof(event), event.len).data(),
                             ::strnlen(bytes.data() + at + sizeof(event), event.len));
      at += sizeof(event) + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) {
        // Which folders came and went is lost, so begin again.
        mark_all();
        DM_TRY(start());
        return true;
      }
      const Result<bool> change = handle(event, name);
      if (!change.ok()) {
        mark_all();  // the other events of this read are lost
        return change.error();
      }
      any = any || *change;
    }
  }
}

Result<bool> Watcher::Impl::handle(const inotify_event& event, const std::string& name) {
  const auto found = folders.find(event.wd);
  if (found == folders.end()) return false;  // dropped before its events were read
  if ((event.mask & IN_IGNORED) != 0) {
    drop(event.wd);
    return false;
  }
  const Folder folder = found->second;  // a copy: watches are added and dropped below
  DM_ASSIGN(bool change, handle_named(folder, event.mask, name));
  if (folder.below.empty() || name.starts_with('.')) return change;
  changed.insert(folder.below.begin(), folder.below.end());
  if ((event.mask & IN_ISDIR) != 0 && !name.empty()) {
    const std::string path = join_path(folder.path, name);
    if ((event.mask & IN_MOVED_FROM) != 0) drop_tree(path);
    if ((event.mask & (IN_CREATE | IN_MOVED_TO)) != 0) DM_TRY(watch_tree(path, folder.below));
  }
  return true;
}

Result<bool> Watcher::Impl::handle_named(const Folder& folder, uint32_t mask,
                                         const std::string& name) {
  bool change = false;
  for (const Named& named : folder.named) {
    if (named.name != name) continue;
    change = true;
    changed.insert(named.root);
    if ((mask & IN_MOVED_FROM) != 0) drop_tree(join_path(folder.path, name));
    if ((mask & (IN_CREATE | IN_MOVED_TO)) != 0) DM_TRY(watch_root(named.root));
  }
  return change;
}

Watcher::Watcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Watcher::Watcher(Watcher&&) noexcept = default;
Watcher& Watcher::operator=(Watcher&&) noexcept = default;
Watcher::~Watcher() = default;

Result<Watcher> Watcher::create(const std::vector<std::string>& roots) {
  if (roots.empty()) {
    return Error{ErrorCode::kInvalidArgument, "there is nothing to watch; name at least one root"};
  }
  auto impl = std::make_unique<Impl>();
  for (const std::string& root : roots) {
    struct stat st {};
    if (::stat(root.c_str(), &st) != 0) return errno_error("watch", root, errno);
    std::error_code ec;
    std::string path = fs::absolute(root, ec).lexically_normal().string();
    if (ec) return errno_error("find the absolute path of", root, ec.value());
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    impl->roots.push_back(Impl::Root{.given = root, .path = std::move(path)});
  }
  DM_TRY(impl->start());
  for (const Impl::Root& root : impl->roots) {
    std::error_code ec;
    const fs::path real = fs::canonical(root.path, ec);
    const fs::path folder = fs::is_directory(real, ec) ? real : real.parent_path();
    if (!impl->by_path.contains(folder.string())) {
      return errno_error("watch", root.given, ec ? ec.value() : EACCES);
    }
  }
  return Watcher(std::move(impl));
}

Result<std::vector<std::string>> Watcher::wait(int quiet_ms, const CancelToken& cancel) {
  Stopwatch since_first;
  Stopwatch since_last;
  bool waiting_for_quiet = !impl_->changed.empty();  // an earlier wait() was cancelled or failed
  for (;;) {
    if (cancel.cancelled()) return Error{ErrorCode::kCancelled, "watching was cancelled"};
    DM_ASSIGN(const bool change, impl_->read_events());
    if (change) {
      since_last.restart();
      if (!waiting_for_quiet) since_first.restart();
      waiting_for_quiet = true;
    }
    double left_ms = kSliceMs;
    if (waiting_for_quiet) {
      left_ms = std::min(quiet_ms - since_last.elapsed_ms(), kLongestMs - since_first.elapsed_ms());
      if (left_ms <= 0) break;
    }
    pollfd readable{.fd = impl_->fd.get(), .events = POLLIN, .revents = 0};
    // Rounded up so that the last slice is not spent spinning.
    const int slice_ms = static_cast<int>(std::min<double>(left_ms + 1, kSliceMs));
    if (::poll(&readable, 1, slice_ms) < 0 && errno != EINTR) {
      return errno_error("wait for changes of", impl_->roots.front().given, errno);
    }
  }
  std::vector<std::string> names;
  for (const size_t root : std::exchange(impl_->changed, {})) {
    names.push_back(impl_->roots[root].given);
  }
  return names;
}

}  // namespace docmind::ingest
