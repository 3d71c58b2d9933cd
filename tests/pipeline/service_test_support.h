// A service over a folder of its own, for tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "index/store_samples.h"
#include "pipeline/service.h"
#include "support/temp_folder.h"

namespace docmind::pipeline {

using docmind::test::must;

class ServiceTest : public testing::Test {
 protected:
  static constexpr int64_t kPatienceMs = 60'000;

  ServiceOptions options() const {
    ServiceOptions options;
    options.store_folder = folder.path("store");
    options.n_workers = 2;
    options.control.configured.context_passages = 5;
    options.control_interval_ms = 20;
    options.version = "1.2.3";
    return options;
  }
  void start() { start(options()); }
  void start(ServiceOptions wanted) { service = must(Service::start(std::move(wanted), Logger::null())); }
  CollectionPtr collection(std::string_view tenant = "local", std::string_view name = "default") {
    return must(service->collection(tenant, name, true));
  }
  // As the server spools it, then added.
  Result<DocumentInfo> try_upload(Collection& to, std::string_view name, std::string_view text) const {
    const std::string spooled = folder.write("spool/" + std::to_string(++n_spooled), text);
    return to.add(name, spooled);
  }
  DocumentInfo upload(Collection& to, std::string_view name, std::string_view text) const {
    return must(try_upload(to, name, text));
  }
  // Until nothing is left to index.
  static void settle(Collection& of) {
    const Stopwatch clock;
    uint64_t seen = 0;
    while (of.job().running || of.job().queued) {
      ASSERT_LT(clock.elapsed_ms(), kPatienceMs) << "indexing does not end";
      seen = of.wait_change(seen, 1'000);
    }
  }
  AskOptions ask_options(std::string_view tenant = "local") const { return service->ask_options(tenant); }
  Answer ask(Collection& of, std::string_view question, std::string_view tenant = "local") const {
    return must(of.ask(question, ask_options(tenant), [](std::string_view) { return true; }, {}));
  }
  std::optional<Answer> ask_memory(Collection& of, std::string_view question, std::string_view tenant = "local") const {
    return of.ask_memory(question, ask_options(tenant));
  }

  test::TempFolder folder;
  std::unique_ptr<Service> service;
  mutable int n_spooled = 0;
};

inline constexpr std::string_view kHarbour =
    "# Harbour\n\nThe harbour master of Vannholm is Astrid Nyberg. She opens the lock gates at six every morning.\n\n"
    "## Ferries\n\nThe ferry to Skarvik leaves at noon and needs forty minutes.\n";
inline constexpr std::string_view kLighthouse =
    "# Lighthouse\n\nThe lighthouse of Skarvik was built in 1873 and is 41 metres tall.\n";

}  // namespace docmind::pipeline
