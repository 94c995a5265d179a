// fluxd: the Flux daemon. One node over this machine; everything that is not command line, files of
// configuration or exit codes is net/node.
//
// Exit codes: 0 a clean stop, 1 it could not start, failed, or could not stop cleanly, 2 bad usage.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "core/base/mutant.h"
#include "net/node/node.h"
#include "real/os/limits.h"
#include "real/os/notify.h"
#include "real/os/real_env.h"

namespace {

using flux::ErrorCode;
using flux::Result;

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;
// How long a stop waits for a disk that completes nothing. The kernel gives a command of a disk 30
// s before it resets the device and tries again: one that comes back by that is waited for. Service
// managers kill after 90 s (systemd): the log has the reason before.
constexpr flux::Duration kDiskQuietMax = flux::seconds(45);

struct Options {
  std::string config_file;
  std::vector<std::string> settings;
  bool json = false;
  bool verbose = false;
};

void complain(const std::string& what) {
  fmt::print(stderr, "fluxd: {}\n", what);
  std::fflush(stderr);
}

Result<std::string> read_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    return flux::fail(ErrorCode::not_found, fmt::format("{}: {}", path, std::strerror(errno)));
  }
  std::string out;
  std::array<char, 4096> part;
  std::size_t got = 0;
  while ((got = std::fread(part.data(), 1, part.size(), file)) > 0) out.append(part.data(), got);
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) return flux::fail(ErrorCode::io_error, path);
  return out;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == 0) return "localhost";
  return name.data();
}

// The file's settings, then those of the command line.
Result<flux::node::Config> read_config(const Options& options) {
  flux::node::Properties properties;
  if (!options.config_file.empty()) {
    const std::string text = TRY(read_file(options.config_file));
    auto parsed = flux::node::parse_properties(text);
    if (!parsed) return std::unexpected(parsed.error().in(options.config_file));
    properties = std::move(*parsed);
    // A file that is wrong by itself is named; what only the command line does is not its fault.
    auto alone = flux::node::Config::from(properties);
    if (!alone) return std::unexpected(alone.error().in(options.config_file));
  }
  for (const std::string& setting : options.settings) {
    const std::size_t equals = setting.find('=');
    properties.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
  auto config = TRY(flux::node::Config::from(properties));
  config.host_name = host_name();
  config.version = FLUX_VERSION;
  return config;
}

void say_ready(const flux::node::Node& node) {
  std::string where;
  for (const auto& listener : node.listeners()) {
    where += fmt::format(" {}://{}", listener.name, listener.at.to_string());
  }
  if (const auto http = node.http()) where += fmt::format(" http://{}", http->to_string());
  fmt::print("fluxd {} ready: node {} of cluster {} on{}, data in {}\n", FLUX_VERSION,
             node.config().node.value(), node.cluster_id(), where, node.config().data_directory);
  std::fflush(stdout);
}

// What a person is to do about it, where that is known.
std::string advice(const flux::Error& error) {
  if (error == ErrorCode::address_in_use) return " (is another broker running?)";
  if (error == ErrorCode::permission) return " (who owns it, and who runs fluxd?)";
  return "";
}

// A service manager that cannot be told will give up waiting, and say so itself.
void tell_manager(std::string_view state) {
  const char* socket = std::getenv("NOTIFY_SOCKET");
  if (socket == nullptr) return;
  if (auto told = flux::os::notify(socket, state); !told) complain(told.error().to_string());
}

int serve(flux::env::Task& task, flux::node::Node& node) {
  auto started = node.start(task);
  if (!started) {
    complain(started.error().to_string() + advice(started.error()));
    return kFailed;
  }
  say_ready(node);
  tell_manager("READY=1");
  auto waited = node.wait(task);
  tell_manager("STOPPING=1");
  auto stopped = node.stop(task);
  if (!waited || !stopped) {
    complain((waited ? stopped : waited).error().to_string());
    return kFailed;
  }
  return 0;
}

// With fewer descriptors it serves fewer clients, and says so when they run out.
void raise_limits(flux::env::Trace& trace) {
  const auto files = flux::os::raise_file_limit();
  if (files) {
    TRACE(trace, info, "process.file_limit", {"before", files->before}, {"now", files->now});
  } else {
    TRACE(trace, warning, "process.file_limit", {"error", files.error().to_string()});
  }
}

// Nothing acknowledged is lost by it: the next start recovers the logs, as after a kill.
[[noreturn]] void leave_hung_disk() {
  complain(fmt::format("the disk has completed nothing for {} s: ending without a clean stop",
                       kDiskQuietMax.ms() / 1000));
  std::_Exit(kFailed);
}

int run(const Options& options) {
  auto config = read_config(options);
  if (!config) {
    complain(config.error().to_string());
    return kFailed;
  }
  flux::os::RealEnvConfig env_config;
  if (options.json) env_config.trace.format = flux::os::TraceFormat::json;
  if (options.verbose) env_config.trace.severity_min = flux::env::Severity::debug;
  env_config.disk_quiet_max = kDiskQuietMax;
  env_config.on_disk_hangs = leave_hung_disk;
  auto env = flux::os::RealEnv::create(env_config);
  if (!env) {
    complain(env.error().to_string());
    return kFailed;
  }
  flux::os::keep_freed_memory();
  raise_limits((*env)->trace());
  flux::node::Node node((*env)->env(), std::move(*config));
  return (*env)->run([&](flux::env::Task& task) { return serve(task, node); },
                     [&](int) { node.request_stop(); });
}

// A bug planted on purpose, to see that a crash test finds it. Programs that people run have none,
// and no such option.
void add_mutant(CLI::App& app) {
  if (flux::all_mutants().empty()) return;
  app.add_option("--mutant", "turn on a planted bug")
      ->type_name("NAME")
      ->each([](const std::string& name) {
        if (!flux::set_mutant(name)) throw CLI::ValidationError("--mutant", "there is no " + name);
      });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Flux: a Kafka-compatible event-streaming broker.", "fluxd");
  app.footer(
      "Without arguments: one node on 127.0.0.1:9092 with its data in ./flux-data.\n"
      "Settings have Kafka's names (server.properties); SIGTERM stops it cleanly.\n"
      "Exit codes: 0 a clean stop, 1 it could not start or failed, 2 bad usage.");
  Options options;
  app.set_version_flag("--version", std::string("fluxd ") + FLUX_VERSION);
  app.add_option("--config", options.config_file, "file of settings (server.properties)");
  app.add_option("--set", options.settings, "one setting, over those of the file")
      ->type_name("KEY=VALUE")
      ->check([](const std::string& setting) {
        const std::size_t equals = setting.find('=');
        return equals == std::string::npos || equals == 0 ? "it must be KEY=VALUE" : "";
      })
      ->allow_extra_args(true);
  app.add_flag("--log-json", options.json, "log as JSON instead of logfmt");
  app.add_flag("--verbose", options.verbose, "log every request");
  add_mutant(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? 0 : kBadUsage;
  }
  return run(options);
}
