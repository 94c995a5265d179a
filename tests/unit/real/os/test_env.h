// A RealEnv over an empty directory that goes away with it.
#pragma once

#include <filesystem>
#include <memory>
#include <stdlib.h>
#include <string>
#include <system_error>
#include <utility>

#include "core/base/check.h"
#include "real/os/real_env.h"

namespace flux::os {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string path = std::filesystem::temp_directory_path() / "flux-test-XXXXXX";
    CHECK(::mkdtemp(path.data()) != nullptr, "cannot make a temporary folder");
    path_ = path;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class TestEnv {
 public:
  explicit TestEnv(DiskEngineChoice engine = DiskEngineChoice::automatic) {
    RealEnvConfig config;
    config.data_root = folder_.path();
    config.disk_engine = engine;
    config.trace.severity_min = env::Severity::error;
    auto made = RealEnv::create(config);
    CHECK(made.has_value(), made ? "" : made.error().detail());
    real_ = std::move(*made);
  }

  RealEnv& real() { return *real_; }
  env::Env& env() { return real_->env(); }
  const std::string& folder() const { return folder_.path(); }
  template <class Body>
  void run(Body&& body) {
    real_->run([&](env::Task& task) {
      body(task);
      return 0;
    });
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<RealEnv> real_;
};

}  // namespace flux::os
