// Uploads: the files of a multipart request become documents of a collection.
// SPDX-License-Identifier: Apache-2.0
#include "server/upload.h"

#include <unistd.h>

#include <utility>

#include "base/file.h"
#include "base/mapped_file.h"
#include "pipeline/document_folder.h"
#include "server/multipart.h"

namespace docmind::server {
namespace {

// A part's bytes in a file of their own, which goes unless it was moved away.
class PartFile {
 public:
  static Result<PartFile> write(std::string path, std::string_view bytes) {
    DM_TRY(write_file_atomic(path, bytes));
    return PartFile(std::move(path));
  }
  PartFile(PartFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  PartFile& operator=(PartFile&&) = delete;
  ~PartFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit PartFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

std::string_view name_of(const MultipartPart& part) {
  return part.filename.empty() ? std::string_view("unnamed.txt") : std::string_view(part.filename);
}

bool is_document(const MultipartPart& part) {
  // An empty form sends a file without a name and without bytes.
  if (part.is_file) return !part.filename.empty() || part.size() > 0;
  return part.name == "file";
}

}  // namespace

Result<std::vector<pipeline::DocumentInfo>> add_uploads(pipeline::Collection& collection,
                                                        const std::string& body_path,
                                                        std::string_view content_type) {
  DM_ASSIGN(const std::string boundary, multipart_boundary(content_type));
  DM_ASSIGN(const MappedFile body, MappedFile::open(body_path));
  const std::string_view bytes(reinterpret_cast<const char*>(body.bytes().data()), body.bytes().size());
  DM_ASSIGN(std::vector<MultipartPart> parts, parse_multipart(bytes, boundary));
  std::erase_if(parts, [](const MultipartPart& part) { return !is_document(part); });
  if (parts.empty()) {
    return Error{ErrorCode::kInvalidArgument, "the request has no file; send one or more parts named 'file'"};
  }
  for (const MultipartPart& part : parts) {
    DM_ASSIGN([[maybe_unused]] const std::string safe, pipeline::safe_file_name(name_of(part)));
  }
  std::vector<pipeline::DocumentInfo> documents;
  for (const MultipartPart& part : parts) {
    DM_ASSIGN(const PartFile file, PartFile::write(body_path + "-" + std::to_string(documents.size()),
                                                   bytes.substr(part.begin, part.size())));
    DM_ASSIGN(pipeline::DocumentInfo document, collection.add(name_of(part), file.path()));
    documents.push_back(std::move(document));
  }
  return documents;
}

}  // namespace docmind::server
