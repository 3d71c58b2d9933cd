// docmind serve: the HTTP server, until a signal ends it.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/library.h"
#include "cli/load_models.h"
#include "cli/serve_options.h"
#include "cli/serve_signals.h"
#include "cli/served_models.h"
#include "cli/service_manager.h"

namespace docmind::cli {
namespace {

json::object server_stats_json(const server::HttpStats& stats) {
  return {{"connections", stats.n_connections}, {"in_flight", stats.n_in_flight},
          {"accepted", stats.n_accepted},       {"requests", stats.n_requests},
          {"refused", stats.n_refused},         {"bad", stats.n_bad},
          {"cut_off", stats.n_cut_off},         {"client_gone", stats.n_client_gone},
          {"read_bytes", stats.read_bytes},     {"written_bytes", stats.written_bytes}};
}

class ServeCommand final : public Command {
 public:
  CLI::App* declare(CLI::App& app, FieldFlags& fields) override {
    CLI::App* sub = app.add_subcommand(
        "serve",
        "Serve the documents and the models over HTTP: a web page, an OpenAI-compatible API, rerank, Ollama's, "
        "llama.cpp's and text-embeddings-inference's, metrics. Listens on 127.0.0.1 unless told otherwise. "
        "SIGHUP reads the API keys again; SIGTERM or Ctrl-C lets requests finish, a second one does not.");
    fields.add(*sub, "--address", "server.address");
    fields.add(*sub, "-p,--port", "server.port");
    fields.add(*sub, "--keys-file", "server.keys_file");
    fields.add(*sub, "--cors", "server.cors");
    fields.add(*sub, "--memory-mib", "memory.budget_mib");
    fields.add(*sub, "--latency-target", "control.latency_target_ms");
    add_model_flag(*sub, fields);
    add_retrieval_model_flags(*sub, fields);
    add_generation_flags(*sub, fields);
    fields.add_switch(*sub, "--no-control", "control.enabled", "false", "Keep every setting as it is configured");
    sub->add_flag("--insecure", insecure_, "Allow an address that others can reach without API keys");
    return sub;
  }

  int run(Session& session) override {
    Result<server::ApiKeys> keys = load_keys(session.config());
    if (!keys.ok()) return fail(session, keys.error());
    const Status safe = check_exposure(session.config(), *keys, insecure_);
    if (!safe.ok()) return fail(session, safe.error());
    raise_descriptor_limit(session.config());
    Result<pipeline::Models> models = load_served_models(session);
    if (!models.ok()) return fail(session, models.error());
    Status served = serve(session, *std::move(models), std::make_shared<const server::ApiKeys>(*std::move(keys)));
    return served.ok() ? kExitOk : fail(session, served.error());
  }

 private:
  Status serve(Session& session, pipeline::Models models, std::shared_ptr<const server::ApiKeys> keys) {
    DM_ASSIGN(pipeline::ServiceOptions options, service_options(session, std::move(models)));
    DM_ASSIGN(const std::unique_ptr<pipeline::Service> service,
              pipeline::Service::start(std::move(options), session.logger));
    DM_ASSIGN(const server::HttpOptions http, http_options(session));
    const ServeSignals signals;
    DM_ASSIGN(const std::unique_ptr<server::HttpServer> http_server,
              server::HttpServer::start(http, server::all_routes(*service, route_options(session.config())), keys,
                                        session.logger,
                                        [&](const server::RequestRecord& record) {
                                          note(session, service->metrics(), record);
                                        }));
    service->set_server_stats([&] { return server_stats_json(http_server->stats()); });
    greet(session, http, http_server->port(), keys->required());
    notify_service_manager("READY=1");
    const bool finished = wait(session, *http_server, signals);
    service->set_server_stats({});
    session.terminal.note(finished ? "stopped" : "stopped; requests that did not finish in time were cut off");
    return {};
  }

  void greet(const Session& session, const server::HttpOptions& http, int port, bool with_keys) const {
    const std::string host = http.address.find(':') == std::string::npos ? http.address : "[" + http.address + "]";
    const std::string url = fmt::format("http://{}:{}", host, port);
    const Terminal& terminal = session.terminal;
    terminal.out(fmt::format("serving on {}\n", terminal.styled(Style::kBold, url)));
    if (session.config().server.page) terminal.out(fmt::format("  page      {}/\n", url));
    terminal.out(fmt::format("  OpenAI    {0}/v1\n  rerank    {0}/v1/rerank\n  Ollama    {0}\n  metrics   {0}/metrics\n",
                             url));
    terminal.out(fmt::format("  keys      {}\n", with_keys ? "required" : "none: everybody who reaches the address"));
    terminal.flush();
  }

  // True when every request in work got its answer.
  static bool wait(Session& session, server::HttpServer& http_server, const ServeSignals& signals) {
    while (true) {
      const ServeSignals::Event event = signals.wait(-1);
      if (event == ServeSignals::Event::kReload) reload(session, http_server);
      if (event == ServeSignals::Event::kStop) break;
    }
    notify_service_manager("STOPPING=1");
    session.terminal.note(fmt::format("stopping; requests in work have {} s, a second signal cuts them off",
                                      session.config().server.drain_s));
    return http_server.stop();
  }

  static void reload(const Session& session, server::HttpServer& http_server) {
    notify_service_manager("RELOADING=1");
    Result<server::ApiKeys> keys = load_keys(session.config());
    if (keys.ok()) {
      http_server.set_keys(std::make_shared<const server::ApiKeys>(*std::move(keys)));
      session.terminal.note("API keys were read again");
    } else {
      session.terminal.note("the old API keys stay: " + printable(keys.error().message));
    }
    notify_service_manager("READY=1");
  }

  static void note(const Session& session, monitor::Metrics& metrics, const server::RequestRecord& record) {
    metrics.record(monitor::Stage::kTotalRequest, record.ms);
    if (record.status == 429 || record.status == 503) metrics.add(monitor::Counter::kRequestsRefused);
    if (record.status == 499) metrics.add(monitor::Counter::kRequestsCancelled);
    session.logger.info("{} {} {} {:.1f} ms, first byte {:.1f} ms, {} bytes, tenant {}, {}", record.method,
                        record.pattern, record.status, record.ms, record.first_byte_ms, record.written_bytes,
                        record.tenant, record.id);
  }

  bool insecure_ = false;
};

}  // namespace

std::unique_ptr<Command> make_serve_command() { return std::make_unique<ServeCommand>(); }

}  // namespace docmind::cli
