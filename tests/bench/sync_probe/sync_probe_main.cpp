// sync_probe: what an acknowledgement that waits for the disk costs, by two ways to make it
// durable.
//
//   files    each partition has a data file and an integrity file; a commit writes to both and
//   syncs
//            them side by side, and serves all who asked meanwhile. What Flux does.
//   journal  all partitions share one file, preallocated; a commit writes to it what all of them
//            have and syncs it once. What was written goes into the partitions' files later, which
//            are synced when half of the journal is full, before that half is used again.
//
// Every producer has one batch under way and sends the next when it is acknowledged. With
// --flush-us no file is synced; a device is imitated that serves one flush at a time, each of so
// long, and everybody who asked before it began.
//
//   sync_probe DIRECTORY --partitions 1 16 64 --seconds 5
//
// The figures and what follows from them: docs/decisions/0005-sync-per-file.md.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

constexpr std::size_t kEntryBytes = 104;  // of an integrity file
constexpr std::uint64_t kHalfJournalBytes = 64U << 20;
constexpr std::uint64_t kJournalBytes = 2 * kHalfJournalBytes;

struct Options {
  std::string directory;
  std::vector<int> partitions = {1, 16, 64};
  int producers = 1;  // of each partition
  int seconds = 5;
  int flush_us = 0;
  std::size_t bytes = 1024;
};

void must(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::exit(1);
}

// Stands for the disk when a flush of a given length is asked for.
class Device {
 public:
  explicit Device(int flush_us) : flush_(flush_us) {}

  void sync(int file) {
    if (flush_.count() == 0) return must(::fdatasync(file) == 0, "fdatasync");
    std::unique_lock lock(mutex_);
    const std::uint64_t mine = ++asked_;
    while (done_ < mine) {
      if (busy_) {
        changed_.wait(lock);
        continue;
      }
      busy_ = true;
      const std::uint64_t covers = asked_;
      lock.unlock();
      std::this_thread::sleep_for(flush_);
      lock.lock();
      busy_ = false;
      done_ = covers;
      changed_.notify_all();
    }
  }

 private:
  const microseconds flush_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t asked_ = 0;
  std::uint64_t done_ = 0;
  bool busy_ = false;
};

class File {
 public:
  File(const std::string& path, std::uint64_t allocate) {
    descriptor_ = ::open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0644);
    must(descriptor_ >= 0, path.c_str());
    const std::vector<char> zeros(1U << 20);
    for (std::uint64_t at = 0; at < allocate; at += zeros.size())
      write_at(at, zeros.data(), zeros.size());
    must(::fsync(descriptor_) == 0, "fsync");
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(descriptor_); }

  void write_at(std::uint64_t at, const char* bytes, std::size_t size) {
    must(::pwrite(descriptor_, bytes, size, static_cast<off_t>(at)) == static_cast<ssize_t>(size),
         "pwrite");
  }
  void append(const char* bytes, std::size_t size) {
    write_at(end_, bytes, size);
    end_ += size;
  }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
  std::uint64_t end_ = 0;
};

// One commit at a time, each for all who asked before it began.
class GroupCommit {
 public:
  template <class Carry>
  void commit(int partition, Carry&& carry_out) {
    std::unique_lock lock(mutex_);
    pending_.push_back(partition);
    const std::uint64_t mine = ++asked_;
    while (done_ < mine) {
      if (busy_) {
        changed_.wait(lock);
        continue;
      }
      busy_ = true;
      const std::uint64_t covers = asked_;
      std::vector<int> batches;
      batches.swap(pending_);
      lock.unlock();
      carry_out(batches);
      lock.lock();
      busy_ = false;
      done_ = covers;
      changed_.notify_all();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int> pending_;
  std::uint64_t asked_ = 0;
  std::uint64_t done_ = 0;
  bool busy_ = false;
};

// A thread that does one thing at a time for another that waits for it later.
class Helper {
 public:
  Helper() : thread_([this] { run(); }) {}
  ~Helper() {
    give(-1);
    thread_.join();
  }
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  void begin(Device& device, int file) {
    device_ = &device;
    give(file);
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !busy_; });
  }

 private:
  void give(int file) {
    const std::scoped_lock lock(mutex_);
    file_ = file;
    busy_ = true;
    changed_.notify_all();
  }
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return busy_; });
      if (file_ < 0) return;
      lock.unlock();
      device_->sync(file_);
      lock.lock();
      busy_ = false;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Device* device_ = nullptr;
  int file_ = 0;
  bool busy_ = false;
  std::thread thread_;
};

struct PartitionFiles {
  PartitionFiles(const Options& options, int index)
      : data(fmt::format("{}/{}.log", options.directory, index), 0),
        integrity(fmt::format("{}/{}.integrity", options.directory, index), 0) {}
  void append(const std::string& batch, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) data.append(batch.data(), batch.size());
    integrity.append(batch.data(), kEntryBytes);
  }
  File data;
  File integrity;
};

class Design {
 public:
  virtual ~Design() = default;
  virtual void commit(int partition) = 0;  // returns once a batch of it is durable
};

class FilesDesign final : public Design {
 public:
  FilesDesign(const Options& options, int partitions)
      : device_(options.flush_us), batch_(options.bytes, 'x') {
    for (int i = 0; i < partitions; ++i) logs_.push_back(std::make_unique<Log>(options, i));
  }
  void commit(int partition) override {
    Log& log = *logs_[static_cast<std::size_t>(partition)];
    log.group.commit(partition, [&](const std::vector<int>& batches) {
      log.files.append(batch_, batches.size());
      log.helper.begin(device_, log.files.integrity.descriptor());
      device_.sync(log.files.data.descriptor());
      log.helper.wait();
    });
  }

 private:
  struct Log {
    Log(const Options& options, int index) : files(options, index) {}
    PartitionFiles files;
    GroupCommit group;
    Helper helper;
  };
  Device device_;
  const std::string batch_;
  std::vector<std::unique_ptr<Log>> logs_;
};

class JournalDesign final : public Design {
 public:
  JournalDesign(const Options& options, int partitions)
      : device_(options.flush_us),
        lazy_device_(options.flush_us),
        batch_(options.bytes, 'x'),
        journal_(options.directory + "/journal", kJournalBytes) {
    for (int i = 0; i < partitions; ++i)
      files_.push_back(std::make_unique<PartitionFiles>(options, i));
    lazy_ = std::thread([this] { settle(); });
  }
  ~JournalDesign() override {
    {
      const std::scoped_lock lock(mutex_);
      ending_ = true;
      changed_.notify_all();
    }
    lazy_.join();
  }
  void commit(int partition) override {
    group_.commit(partition, [&](const std::vector<int>& batches) {
      std::string all;
      for (std::size_t i = 0; i < batches.size(); ++i) all.append(batch_).append(kEntryBytes, 'e');
      const std::uint64_t left = kJournalBytes - written_ % kJournalBytes;
      if (all.size() > left) written_ += left;
      const std::uint64_t half = written_ / kHalfJournalBytes;
      {
        // The half that is written to now must have been settled when it was used before.
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return half < settled_halves_ + 2; });
      }
      journal_.write_at(written_ % kJournalBytes, all.data(), all.size());
      written_ += all.size();
      device_.sync(journal_.descriptor());
      const std::scoped_lock lock(mutex_);
      unsettled_.insert(unsettled_.end(), batches.begin(), batches.end());
      if (written_ / kHalfJournalBytes > half) ++full_halves_;
      changed_.notify_all();
    });
  }

 private:
  void settle() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
      changed_.wait(lock, [this] { return ending_ || !unsettled_.empty(); });
      std::vector<int> batches;
      batches.swap(unsettled_);
      const std::uint64_t full = full_halves_;
      lock.unlock();
      for (const int partition : batches)
        files_[static_cast<std::size_t>(partition)]->append(batch_, 1);
      for (const auto& files : files_) {
        if (full == settled_halves_) break;
        lazy_device_.sync(files->data.descriptor());
        lazy_device_.sync(files->integrity.descriptor());
      }
      lock.lock();
      settled_halves_ = full;
      changed_.notify_all();
    }
  }

  Device device_;
  Device lazy_device_;
  const std::string batch_;
  File journal_;
  std::vector<std::unique_ptr<PartitionFiles>> files_;
  GroupCommit group_;
  std::uint64_t written_ = 0;  // by the one who commits
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int> unsettled_;
  std::uint64_t full_halves_ = 0;
  std::uint64_t settled_halves_ = 0;
  bool ending_ = false;
  std::thread lazy_;
};

std::int64_t processor_us() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto us = [](const timeval& time) {
    return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_usec;
  };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

void measure(const Options& options, const char* name, Design& design, int partitions) {
  const auto end = Clock::now() + std::chrono::seconds(options.seconds);
  const std::int64_t processor_before = processor_us();
  std::mutex mutex;
  std::vector<std::int64_t> all;
  std::vector<std::thread> producers;
  for (int i = 0; i < partitions * options.producers; ++i) {
    producers.emplace_back([&, i] {
      std::vector<std::int64_t> mine;
      for (auto now = Clock::now(); now < end;) {
        design.commit(i % partitions);
        const auto then = std::exchange(now, Clock::now());
        mine.push_back(std::chrono::duration_cast<microseconds>(now - then).count());
      }
      const std::scoped_lock lock(mutex);
      all.insert(all.end(), mine.begin(), mine.end());
    });
  }
  for (std::thread& producer : producers) producer.join();
  const std::int64_t processor = processor_us() - processor_before;
  std::ranges::sort(all);
  const auto count = static_cast<std::int64_t>(all.size());
  const auto at = [&](std::size_t percent) { return all[(all.size() - 1) * percent / 100]; };
  fmt::print("| {} | {} | {} | {} | {} | {} | {} |\n", name, partitions, options.producers,
             count / options.seconds, at(50), at(99), processor / count);
  std::fflush(stdout);
}

void measure_both(const Options& options, int partitions) {
  std::filesystem::create_directories(options.directory);
  {
    FilesDesign files(options, partitions);
    measure(options, "files", files, partitions);
  }
  {
    JournalDesign journal(options, partitions);
    measure(options, "journal", journal, partitions);
  }
  std::filesystem::remove_all(options.directory);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("what a durable acknowledgement costs: a sync for each file, or one journal");
  Options options;
  app.add_option("DIRECTORY", options.directory, "made, filled, and removed")->required();
  app.add_option("--partitions", options.partitions, "how many, one row each");
  app.add_option("--producers", options.producers, "of each partition");
  app.add_option("--seconds", options.seconds, "for each row");
  app.add_option("--flush-us", options.flush_us, "imitate a device whose flush takes so long");
  app.add_option("--bytes", options.bytes, "of a batch");
  CLI11_PARSE(app, argc, argv);
  if (std::filesystem::exists(options.directory)) {
    fmt::print(stderr, "{} exists; a folder that can be removed is needed\n", options.directory);
    return 2;
  }
  fmt::print(
      "| way | partitions | producers of each | acks a second | p50 us | p99 us | CPU us an ack "
      "|\n");
  fmt::print("|---|---|---|---|---|---|---|\n");
  for (const int partitions : options.partitions) measure_both(options, partitions);
  return 0;
}
