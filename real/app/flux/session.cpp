#include "real/app/flux/session.h"

#include <algorithm>

#include "real/app/flux/output.h"
#include "real/os/real_env.h"

namespace flux::app {
namespace {

client::ClientConfig config_for(const GlobalOptions& global) {
  client::ClientConfig config;
  config.bootstrap = global.bootstrap;
  config.client_id = "flux-cli";
  config.connect_timeout = std::min(config.connect_timeout, global.timeout);
  config.request_timeout = std::min(config.request_timeout, global.timeout);
  config.api_timeout = global.timeout;
  return config;
}

int run(env::Task& task, env::Env& env, const GlobalOptions& global,
        const std::function<int(env::Task&, client::Client&)>& body) {
  client::Client client(env, config_for(global));
  int status = kFailed;
  // A person who mistyped the address wants to hear of it now, not after all tries.
  if (const auto broker = client.any_broker(task); broker) {
    status = body(task, client);
  } else {
    complain(broker.error());
  }
  client.close(task);
  return status;
}

}  // namespace

int with_machine(const std::function<int(env::Task&, env::Env&)>& body) {
  os::RealEnvConfig config;
  config.disk_engine = os::DiskEngineChoice::threads;
  config.disk_threads = 1;
  config.trace.severity_min = env::Severity::error;
  auto env = os::RealEnv::create(config);
  if (!env) {
    complain(env.error());
    return kFailed;
  }
  return (*env)->run([&](env::Task& task) { return body(task, (*env)->env()); });
}

int with_client(const GlobalOptions& global,
                const std::function<int(env::Task&, client::Client&)>& body) {
  return with_machine([&](env::Task& task, env::Env& env) { return run(task, env, global, body); });
}

}  // namespace flux::app
