// LibraryQuantizer: llama.cpp's own quantizer, from the shared library of the oracle, in a process of its own.
// SPDX-License-Identifier: Apache-2.0
#include "parity/library_quantizer.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include <fmt/format.h>

#include "parity/oracle.h"

namespace docmind::test {
namespace {

// Its name carries the version that package-lock.json pins.
constexpr const char* kLibrary =
    DOCMIND_SOURCE_DIR "/tests/parity/oracle/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64/libllama.v0.5.0.so";

// The beginning of llama_model_quantize_params; the rest keeps its defaults.
struct LibraryParams {
  int32_t n_threads;
  int32_t file_type;
  std::byte rest[248];
};
using DefaultParams = LibraryParams (*)();
using Quantize = uint32_t (*)(const char* from, const char* to, const LibraryParams* params);

// In the child: 0, or which step failed.
int quantize_in_child(const char* from, const char* to, uint32_t file_type) {
  const int null = ::open("/dev/null", O_WRONLY);
  if (null < 0 || ::dup2(null, STDERR_FILENO) < 0 || ::dup2(null, STDOUT_FILENO) < 0) return 2;
  void* const library = ::dlopen(kLibrary, RTLD_NOW);
  if (library == nullptr) return 3;
  const auto default_params = reinterpret_cast<DefaultParams>(::dlsym(library, "llama_model_quantize_default_params"));
  const auto quantize = reinterpret_cast<Quantize>(::dlsym(library, "llama_model_quantize"));
  if (default_params == nullptr || quantize == nullptr) return 4;
  LibraryParams params = default_params();
  params.n_threads = 2;
  params.file_type = static_cast<int32_t>(file_type);
  return quantize(from, to, &params) == 0 ? 0 : 5;
}

}  // namespace

std::optional<std::string> library_quantizer_missing() {
  if (auto reason = Oracle::missing()) return reason;
  if (!std::filesystem::exists(kLibrary)) return fmt::format("'{}' is missing", kLibrary);
  return std::nullopt;
}

void quantize_with_library(const std::string& from, const std::string& to, uint32_t file_type) {
  // The library's threads, logs and allocations stay out of this process.
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no process could be started");
  if (child == 0) ::_exit(quantize_in_child(from.c_str(), to.c_str(), file_type));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  throw std::runtime_error(
      fmt::format("llama.cpp did not quantize '{}' to type {}: status {:#x}", from, file_type, status));
}

}  // namespace docmind::test
