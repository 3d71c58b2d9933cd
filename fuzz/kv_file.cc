// Fuzzes the readers of KV files: whatever they accept can be read and goes on, and a refusal leaves nothing.
// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "fuzz/check.h"
#include "fuzz/kv_samples.h"
#include "kernels/kernels.h"
#include "kv/cache.h"
#include "kv/state_file.h"

namespace docmind::fuzz {
namespace {

// The start and the checksums of a file around records that the fuzzer made: a kind and a length each, two bytes.
std::string with_sums(std::string_view data, kv::StateKind kind, const std::string& binding) {
  const auto bytes_of = [](const auto& value) {
    return std::string_view(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  kv::FileStart start = {.magic = {}, .version = kv::kStateVersion, .kind = static_cast<uint32_t>(kind),
                         .binding_bytes = binding.size()};
  std::memcpy(start.magic, kv::kStateMagic, sizeof(start.magic));
  const uint64_t start_sum = hash64(binding, hash64(bytes_of(start)));
  std::string file = std::string(bytes_of(start)) + binding + std::string(bytes_of(start_sum));
  uint64_t n_records = 0, sums = 0;
  const auto add = [&](uint32_t record_kind, std::string_view bytes) {
    const kv::RecordStart record = {.kind = record_kind, .reserved = 0, .n_bytes = bytes.size()};
    const uint64_t sum = hash64(bytes, hash64(bytes_of(record)));
    file.append(bytes_of(record)).append(bytes).append(bytes_of(sum));
    sums = hash64(bytes_of(sum), sums);
    ++n_records;
  };
  while (data.size() >= 3) {
    const auto at = [data](size_t i) { return static_cast<uint8_t>(data[i]); };
    const size_t n = std::min<size_t>(data.size() - 3, at(1) + 256U * at(2));
    add(1 + at(0) % 5, data.substr(3, n));
    data.remove_prefix(3 + n);
  }
  const uint64_t end[] = {n_records, sums};
  add(0, {reinterpret_cast<const char*>(end), sizeof(end)});
  return file;
}

template <typename Use>
void with_file(std::string_view bytes, Use use) {
  const UniqueFd fd(::memfd_create("kv", MFD_CLOEXEC));
  require(fd.valid(), "a file in memory");
  require(::write(fd.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "it takes all");
  use("/proc/self/fd/" + std::to_string(fd.get()));
}

void require_sentence(const Error& error) {
  require(error.code != ErrorCode::kInternal && !error.message.empty(), "a refusal has a sentence");
}

// Computes attention over all that a sequence holds, and one pass more.
void go_on(kv::Sequence& sequence) {
  kernels::AttentionJob job = {.n_queries = 1, .n_heads = 1, .n_kv_heads = 1, .head_dim = kKvGeometry.head_dim};
  std::vector<float> q(4, 1.0f), out(4);
  job.q = q.data();
  job.out = out.data();
  job.q_stride = job.out_stride = 4;
  job.n_keys = sequence.n_tokens();
  job.first_position = sequence.n_tokens() - 1;
  job.decode = true;
  job.kv = sequence.view(0);
  std::vector<std::byte> scratch(kernels::attention_scratch_bytes(job, 1) + 64);
  auto* aligned = reinterpret_cast<std::byte*>((reinterpret_cast<uintptr_t>(scratch.data()) + 63) / 64 * 64);
  if (job.n_keys > 0) (*kernels::kernel_table(kernels::Isa::kScalar))->attention(job, 0, 0, 1, aligned);
  static_cast<void>(run_kv_pass(sequence, 1));
}

void check_file(kv::Format format, std::string_view bytes, bool is_sequence) {
  const auto cache = make_kv_cache(format);
  require(cache != nullptr, "a cache");
  auto sequence = std::move(cache->new_sequence(1'024)).value();
  with_file(bytes, [&](const std::string& path) {
    if (is_sequence) {
      const Status status = cache->unspill(*sequence, path);
      if (!status.ok()) require_sentence(status.error());
      require(status.ok() || (sequence->n_tokens() == 0 && sequence->memory_bytes() == 0), "a refusal leaves nothing");
      if (status.ok()) go_on(*sequence);
    } else {
      const auto loaded = cache->load(path);
      if (!loaded.ok()) require_sentence(loaded.error());
      require(loaded.ok() || cache->stats().n_blocks == 0, "a refusal leaves nothing");
      const kv::TokenId prompt[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
      if (loaded.ok()) go_on(*std::move(cache->new_sequence(prompt, 64)).value());
    }
  });
  sequence.reset();
  cache->evict();
  require(cache->stats().n_blocks == 0 && cache->stats().n_pages == 0, "all goes back");
}

void check_bytes(std::string_view bytes) {
  if (bytes.empty()) return;
  const KvChoice choice = kv_choice(static_cast<uint8_t>(bytes.front()));
  const kv::Format format = kKvFormats[choice.format];
  bytes.remove_prefix(1);
  if (choice.is_file) return check_file(format, bytes, choice.is_sequence);
  const std::string binding = kv::state_binding(make_kv_cache(format)->layout(), "");
  const kv::StateKind kind = choice.is_sequence ? kv::StateKind::kSequence : kv::StateKind::kPrefixes;
  check_file(format, with_sums(bytes, kind, binding), choice.is_sequence);
}

}  // namespace
}  // namespace docmind::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  docmind::fuzz::check_bytes(docmind::fuzz::as_text(data, size));
  return 0;
}
