// BodyFile: a request's body in a temporary file of its own.
// SPDX-License-Identifier: Apache-2.0
#include "server/body_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace docmind::server {

Result<std::unique_ptr<BodyFile>> BodyFile::create(const std::string& folder) {
  DM_TRY(make_folders(folder));
  std::string path = join_path(folder, "body-XXXXXX");
  UniqueFd fd(::mkostemp(path.data(), O_CLOEXEC));  // mode 0600
  if (!fd.valid()) return errno_error("store an upload in", folder, errno);
  return std::unique_ptr<BodyFile>(new BodyFile(std::move(path), std::move(fd)));
}

BodyFile::~BodyFile() { ::unlink(path_.c_str()); }

Status BodyFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("store an upload in", path_, errno);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace docmind::server
