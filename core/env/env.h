// Env: everything a node is told by the world and everything it can do to it.
//
// A node is a function of what its environment tells it. It never asks whether it is simulated, and
// reaches no clock, file, socket or chance except through here. References outlive the node.
#pragma once

#include "core/env/clock.h"
#include "core/env/disk.h"
#include "core/env/network.h"
#include "core/env/random.h"
#include "core/env/scheduler.h"
#include "core/env/trace.h"

namespace flux::env {

struct Env {
  Clock& clock;
  Scheduler& scheduler;
  Network& network;
  Disk& disk;
  Random& random;
  Trace& trace;
};

}  // namespace flux::env
