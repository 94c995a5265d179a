// RecordingEnv: the environment of a node, with every call and its answer told to a NodeRecorder.
//
// Lives in the world, one for each recorded process; the connections and files that it hands out
// lie on the node's heap around those of the environment within.
#pragma once

#include "core/env/env.h"
#include "sim/replay/node_recorder.h"

namespace flux::sim {

class RecordingEnv {
 public:
  explicit RecordingEnv(NodeRecorder& recorder)
      : clock_(recorder), random_(recorder), network_(recorder), disk_(recorder) {}

  // For one incarnation.
  env::Env wrap(const env::Env& within);

 private:
  class RecordingClock final : public env::Clock {
   public:
    explicit RecordingClock(NodeRecorder& recorder) : recorder_(recorder) {}
    Instant now() override { return within->now(); }
    WallTime wall_now() override;
    env::Clock* within = nullptr;

   private:
    NodeRecorder& recorder_;
  };
  class RecordingRandom final : public env::Random {
   public:
    explicit RecordingRandom(NodeRecorder& recorder) : recorder_(recorder) {}
    std::uint64_t draw(Key key, std::uint64_t bound) override;
    std::uint64_t draw_u64(Key key) override;
    env::Random* within = nullptr;

   private:
    NodeRecorder& recorder_;
  };
  class RecordingNetwork final : public env::Network {
   public:
    explicit RecordingNetwork(NodeRecorder& recorder) : recorder_(recorder) {}
    Result<std::unique_ptr<env::Listener>> listen(env::Task& task,
                                                  const env::Endpoint& at) override;
    Result<std::unique_ptr<env::Connection>> connect(env::Task& task,
                                                     const env::Endpoint& to) override;
    env::Network* within = nullptr;

   private:
    NodeRecorder& recorder_;
  };
  class RecordingDisk final : public env::Disk {
   public:
    explicit RecordingDisk(NodeRecorder& recorder) : recorder_(recorder) {}
    Result<std::unique_ptr<env::File>> open(env::Task& task, std::string_view path,
                                            env::Open mode) override;
    Result<void> make_directory(env::Task& task, std::string_view path) override;
    Result<void> rename(env::Task& task, std::string_view from, std::string_view to) override;
    Result<void> remove(env::Task& task, std::string_view path) override;
    Result<void> sync_directory(env::Task& task, std::string_view path) override;
    Result<std::vector<env::DirectoryEntry>> list(env::Task& task, std::string_view path) override;
    Result<env::Space> space(env::Task& task) override;
    std::uint64_t boot_id() override;
    env::Disk* within = nullptr;

   private:
    NodeRecorder& recorder_;
    std::uint64_t files_ = 0;
  };

  RecordingClock clock_;
  RecordingRandom random_;
  RecordingNetwork network_;
  RecordingDisk disk_;
};

}  // namespace flux::sim
