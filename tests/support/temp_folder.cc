// TempFolder through std::filesystem and mkdtemp.
// SPDX-License-Identifier: Apache-2.0
#include "support/temp_folder.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace docmind::test {
namespace fs = std::filesystem;
namespace {

void make_parents(const std::string& path) {
  std::error_code ec;
  fs::create_directories(fs::path(path).parent_path(), ec);
  if (ec) ADD_FAILURE() << "cannot create the folders of '" << path << "': " << ec.message();
}

}  // namespace

TempFolder::TempFolder() {
  std::string name = (fs::path(testing::TempDir()) / "docmind-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    ADD_FAILURE() << "cannot create '" << name << "': " << std::strerror(errno);
    return;
  }
  std::error_code ec;
  path_ = fs::canonical(name, ec).string();
  if (ec) ADD_FAILURE() << "cannot resolve '" << name << "': " << ec.message();
}

TempFolder::~TempFolder() {
  if (path_.empty()) return;
  std::error_code ec;
  fs::remove_all(path_, ec);
  EXPECT_FALSE(ec) << "cannot remove '" << path_ << "': " << ec.message();
}

std::string TempFolder::path(std::string_view relative) const {
  std::string full = path_;
  if (!relative.empty()) full.append("/").append(relative);
  return full;
}

std::string TempFolder::write(std::string_view relative, std::string_view bytes) const {
  std::string full = path(relative);
  make_parents(full);
  std::ofstream out(full, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) ADD_FAILURE() << "cannot write '" << full << "'";
  return full;
}

std::string TempFolder::read(std::string_view relative) const {
  const std::string full = path(relative);
  std::ifstream in(full, std::ios::binary);
  if (!in) ADD_FAILURE() << "cannot read '" << full << "'";
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string TempFolder::mkdir(std::string_view relative) const {
  std::string full = path(relative);
  std::error_code ec;
  fs::create_directories(full, ec);
  if (ec) ADD_FAILURE() << "cannot create '" << full << "': " << ec.message();
  return full;
}

std::string TempFolder::symlink(std::string_view target, std::string_view relative) const {
  std::string full = path(relative);
  make_parents(full);
  std::error_code ec;
  fs::create_symlink(fs::path(target), full, ec);
  if (ec) ADD_FAILURE() << "cannot link '" << full << "': " << ec.message();
  return full;
}

void TempFolder::remove(std::string_view relative) const {
  const std::string full = path(relative);
  std::error_code ec;
  fs::remove_all(full, ec);
  if (ec) ADD_FAILURE() << "cannot remove '" << full << "': " << ec.message();
}

bool TempFolder::exists(std::string_view relative) const {
  std::error_code ec;
  return fs::exists(fs::symlink_status(path(relative), ec));
}

}  // namespace docmind::test
