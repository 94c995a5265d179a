#include "sim/world/seam.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/base/check.h"
#include "sim/world/node_heap.h"

namespace flux::sim {
namespace {

struct KindName {
  SeamKind kind;
  std::string_view name;
  std::string_view a;
  std::string_view b;
};

constexpr KindName kNames[] = {
    {SeamKind::start, "start", "incarnation", ""},
    {SeamKind::end, "end", "how", ""},
    {SeamKind::mark_fault, "fault", "fault", "target"},
    {SeamKind::listen, "listen", "port", "result"},
    {SeamKind::connect, "connect", "connection", "result"},
    {SeamKind::accept, "accept", "connection", "result"},
    {SeamKind::write, "write", "connection", "offset"},
    {SeamKind::read, "read", "connection", "offset"},
    {SeamKind::shut, "shut", "connection", "direction"},
    {SeamKind::net_error, "net_error", "connection", "error"},
    {SeamKind::disk_call, "disk_call", "file", "argument"},
    {SeamKind::disk_result, "disk_result", "file", "result"},
    {SeamKind::draw, "draw", "key", "value"},
    {SeamKind::clock, "clock", "clock", "reading"},
    {SeamKind::output, "output", "a", "b"},
};

const KindName& entry(SeamKind kind) {
  for (const KindName& name : kNames) {
    if (name.kind == kind) return name;
  }
  UNREACHABLE("a seam kind without a name");
}

}  // namespace

bool is_seam_kind(SeamKind kind) {
  return std::ranges::find(kNames, kind, &KindName::kind) != std::end(kNames);
}
std::string_view name_of(SeamKind kind) { return entry(kind).name; }
std::string_view name_of_a(SeamKind kind) { return entry(kind).a; }
std::string_view name_of_b(SeamKind kind) { return entry(kind).b; }

void Seam::watch(std::uint64_t first, std::uint64_t last, Watcher watcher) {
  watching_ = true;
  watch_first_ = first;
  watch_last_ = last;
  watcher_ = std::move(watcher);
}

void Seam::note(const SeamEvent& event) {
  const WorldScope scope;
  if (count_ % kCheckpointEvery == 0) checkpoints_.push_back(hash_);
  if (watching_ && event.index >= watch_first_ && event.index < watch_last_) watcher_(event);
}

}  // namespace flux::sim
