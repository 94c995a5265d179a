// ReplayingEnv: the environment of a node that is played from a record. It has no network, no disk
// and no chance: every answer is the recorded one (NodePlayer::call).
#pragma once

#include "core/env/env.h"
#include "sim/replay/node_player.h"

namespace flux::sim {

class ReplayingEnv {
 public:
  explicit ReplayingEnv(NodePlayer& player)
      : player_(player), clock_(player), random_(player), network_(player), disk_(player) {}

  // For one incarnation.
  env::Env env();

 private:
  class ReplayingClock final : public env::Clock {
   public:
    explicit ReplayingClock(NodePlayer& player) : player_(player) {}
    Instant now() override { return player_.process().local_now(); }
    WallTime wall_now() override;

   private:
    NodePlayer& player_;
  };
  class ReplayingRandom final : public env::Random {
   public:
    explicit ReplayingRandom(NodePlayer& player) : player_(player) {}
    std::uint64_t draw(Key key, std::uint64_t bound) override;
    std::uint64_t draw_u64(Key key) override { return draw(key, UINT64_MAX); }

   private:
    NodePlayer& player_;
  };
  class ReplayingNetwork final : public env::Network {
   public:
    explicit ReplayingNetwork(NodePlayer& player) : player_(player) {}
    Result<std::unique_ptr<env::Listener>> listen(env::Task& task,
                                                  const env::Endpoint& at) override;
    Result<std::unique_ptr<env::Connection>> connect(env::Task& task,
                                                     const env::Endpoint& to) override;

   private:
    NodePlayer& player_;
  };
  class ReplayingDisk final : public env::Disk {
   public:
    explicit ReplayingDisk(NodePlayer& player) : player_(player) {}
    Result<std::unique_ptr<env::File>> open(env::Task& task, std::string_view path,
                                            env::Open mode) override;
    Result<void> make_directory(env::Task& task, std::string_view path) override;
    Result<void> rename(env::Task& task, std::string_view from, std::string_view to) override;
    Result<void> remove(env::Task& task, std::string_view path) override;
    Result<void> sync_directory(env::Task& task, std::string_view path) override;
    Result<std::vector<env::DirectoryEntry>> list(env::Task& task, std::string_view path) override;
    Result<env::Space> space(env::Task& task) override;
    std::uint64_t boot_id() override;

   private:
    NodePlayer& player_;
  };
  // Nobody reads what a node traces while it is played.
  class SilentTrace final : public env::Trace {
   public:
    bool wants(env::Severity) const override { return false; }
    void emit(env::Severity, std::string_view, std::initializer_list<env::Field>) override {}
  };

  NodePlayer& player_;
  ReplayingClock clock_;
  ReplayingRandom random_;
  ReplayingNetwork network_;
  ReplayingDisk disk_;
  SilentTrace trace_;
};

}  // namespace flux::sim
