// One command's life: the environment of this machine, and for most commands a client on it and a
// reachable broker.
#pragma once

#include <functional>
#include <string>

#include "net/client/client.h"
#include "real/app/flux/commands.h"

namespace flux::app {

// Runs `body` in a task over this machine, with nothing around it.
int with_machine(const std::function<int(env::Task&, env::Env&)>& body);

// Runs `body` with a client that has reached a broker; SIGINT and SIGTERM cancel its task. Its
// answer is the exit code. A cluster that cannot be reached is complained about here.
int with_client(const GlobalOptions& global,
                const std::function<int(env::Task&, client::Client&)>& body);

}  // namespace flux::app
