#include "core/metrics/metered_disk.h"

#include "core/base/check.h"

namespace flux::metrics {

namespace {

std::string_view name_of(DiskWork work) {
  switch (work) {
    case DiskWork::read:
      return "read";
    case DiskWork::write:
      return "write";
    case DiskWork::sync:
      return "sync";
    case DiskWork::open:
      return "open";
    case DiskWork::directory:
      return "directory";
  }
  UNREACHABLE("a kind of work outside of the list");
}

}  // namespace

// In `Timed(...).ended(operation)` the clock is read before the operation begins: the language
// orders what stands before the brackets before what stands in them.
class MeteredFile final : public env::PassingFile {
 public:
  MeteredFile(MeteredDisk& disk, std::unique_ptr<env::File> file)
      : PassingFile(std::move(file)), disk_(disk) {}

  Result<std::size_t> read_at(env::Task& task, std::uint64_t offset, MutBytes into) override {
    MeteredDisk::Timed timed(disk_, DiskWork::read);
    auto got = timed.ended(PassingFile::read_at(task, offset, into));
    if (got) disk_.read_bytes_.add(*got);
    return got;
  }
  Result<void> write_at(env::Task& task, std::uint64_t offset, ByteView from) override {
    MeteredDisk::Timed timed(disk_, DiskWork::write);
    auto written = timed.ended(PassingFile::write_at(task, offset, from));
    if (written) disk_.written_bytes_.add(from.size());
    return written;
  }
  Result<void> sync(env::Task& task) override {
    return MeteredDisk::Timed(disk_, DiskWork::sync).ended(PassingFile::sync(task));
  }
  Result<void> truncate(env::Task& task, std::uint64_t size) override {
    return MeteredDisk::Timed(disk_, DiskWork::write).ended(PassingFile::truncate(task, size));
  }
  Result<void> allocate(env::Task& task, std::uint64_t size) override {
    return MeteredDisk::Timed(disk_, DiskWork::write).ended(PassingFile::allocate(task, size));
  }

 private:
  MeteredDisk& disk_;
};

MeteredDisk::Timed::Timed(MeteredDisk& disk, DiskWork work)
    : disk_(disk), work_(work), begun_(disk.clock_.now()), before_(disk.last_) {
  (before_ == nullptr ? disk.first_ : before_->after_) = this;
  disk.last_ = this;
  ++disk.under_way_;
}

MeteredDisk::Timed::~Timed() {
  (before_ == nullptr ? disk_.first_ : before_->after_) = after_;
  (after_ == nullptr ? disk_.last_ : after_->before_) = before_;
  --disk_.under_way_;
  disk_.durations_[static_cast<std::size_t>(work_)].observe(disk_.clock_.now() - begun_);
}

// That a file is not there, or is, is an answer.
void MeteredDisk::note(DiskWork work, ErrorCode error) {
  if (error == ErrorCode::not_found || error == ErrorCode::exists) return;
  errors_[{work, error}].add();
}

std::optional<Duration> MeteredDisk::oldest() const {
  if (first_ == nullptr) return std::nullopt;
  return clock_.now() - first_->begun_;
}

void MeteredDisk::write(Exposition& to) const {
  to.family("flux_disk_operation_duration_seconds", Kind::histogram,
            "How long the disk took, by what was asked of it.");
  for (std::size_t i = 0; i < kWorks; ++i) {
    to.sample(durations_[i], {{"operation", name_of(static_cast<DiskWork>(i))}});
  }
  to.family("flux_disk_errors_total", Kind::counter, "Operations that the disk failed.");
  for (const auto& [what, count] : errors_) {
    to.sample(count, {{"operation", name_of(what.first)}, {"error", flux::name_of(what.second)}});
  }
  to.single("flux_disk_read_bytes_total", Kind::counter,
            "Bytes read from files, without those sent to clients straight from a file.",
            read_bytes_);
  to.single("flux_disk_written_bytes_total", Kind::counter, "Bytes written to files.",
            written_bytes_);
  to.single("flux_disk_operations", Kind::gauge, "Operations that the disk is busy with.",
            under_way_);
  to.single("flux_disk_oldest_operation_seconds", Kind::gauge,
            "For how long the oldest operation under way has waited for the disk.",
            oldest().value_or(Duration(0)));
}

Result<std::unique_ptr<env::File>> MeteredDisk::open(env::Task& task, std::string_view path,
                                                     env::Open mode) {
  auto opened = Timed(*this, DiskWork::open).ended(PassingDisk::open(task, path, mode));
  if (!opened) return opened;
  return std::make_unique<MeteredFile>(*this, std::move(*opened));
}

Result<void> MeteredDisk::make_directory(env::Task& task, std::string_view path) {
  return Timed(*this, DiskWork::directory).ended(PassingDisk::make_directory(task, path));
}

Result<void> MeteredDisk::rename(env::Task& task, std::string_view from, std::string_view to) {
  return Timed(*this, DiskWork::directory).ended(PassingDisk::rename(task, from, to));
}

Result<void> MeteredDisk::remove(env::Task& task, std::string_view path) {
  return Timed(*this, DiskWork::directory).ended(PassingDisk::remove(task, path));
}

Result<void> MeteredDisk::sync_directory(env::Task& task, std::string_view path) {
  return Timed(*this, DiskWork::sync).ended(PassingDisk::sync_directory(task, path));
}

Result<std::vector<env::DirectoryEntry>> MeteredDisk::list(env::Task& task, std::string_view path) {
  return Timed(*this, DiskWork::directory).ended(PassingDisk::list(task, path));
}

}  // namespace flux::metrics
