// The calls of a node's environment as a record names them.
#pragma once

#include <cstdint>

namespace flux::sim {

enum class NodeCall : std::uint8_t {
  wall_clock = 1,
  draw,
  listen,
  accept,
  connect,
  close_listener,
  read,
  write,
  send_range,
  shutdown_write,
  close_connection,
  drop_connection,
  // From here on of the disk.
  open,
  make_directory,
  rename,
  remove,
  sync_directory,
  list,
  space,
  boot_id,
  read_at,
  write_at,
  sync,
  truncate,
  allocate,
  size,
  lock,
  close_file,
};

}  // namespace flux::sim
