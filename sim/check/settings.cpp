#include "sim/check/settings.h"

#include <algorithm>

namespace flux::sim {
namespace {

std::string_view text_of(const std::map<std::string, std::string>& config, std::string_view name) {
  const auto found = config.find(std::string(name));
  return found == config.end() ? std::string_view() : found->second;
}

}  // namespace

void Settings::observe(const Observation& observation) {
  if (const auto* invoked = std::get_if<Invoked>(&observation)) {
    const Operation& op = invoked->operation;
    if (op.kind == OperationKind::delete_topic) deleted_.insert(op.topic);
    if (op.kind != OperationKind::alter_config) return;
    changes_[{op.topic, op.setting}].emplace_back(op);
  } else if (const auto* done = std::get_if<Completed>(&observation)) {
    const Operation& op = done->operation;
    if (op.kind == OperationKind::alter_config) take_answer(changes_[{op.topic, op.setting}], op);
  } else if (const auto* node = std::get_if<NodeEvent>(&observation)) {
    if (node->change != NodeChange::ended) return;
    for (auto& [layer, changes] : changes_) {
      for (Change& change : changes) change.process_ended(*node, facts_);
    }
  }
}

// A value is in force until a later one surely is: one that was asked for when this one could take
// no more effect.
std::vector<Settings::Held> Settings::held_in(const Layer& layer, std::string_view first, Time from,
                                              Time to) const {
  std::vector<Held> out;
  const auto found = changes_.find(layer);
  const std::vector<Change> none;
  const std::vector<Change>& changes = found == changes_.end() ? none : found->second;
  const auto until = [&](Time over) {
    Time end = Time::max();
    for (const Change& later : changes) {
      if (later.done && later.over != Time::max() && later.invoked > over) {
        end = std::min(end, later.over);
      }
    }
    return end;
  };
  const auto add = [&](std::string_view value, Time begin, Time end) {
    if (begin <= to && end >= from) out.push_back({std::string(value), std::min(end, to)});
  };
  add(first, Time(), deleted_.contains(layer.first) ? Time::max() : until(Time()));
  for (const Change& change : changes) add(change.value, change.invoked, until(change.over));
  return out;
}

std::vector<Settings::Held> Settings::held(std::string_view topic, const SettingName& name,
                                           Time from, Time to) const {
  std::string_view own;
  for (const ClusterFacts::Topic& one : facts_.topics) {
    if (one.name == topic) own = text_of(one.config, name.topic);
  }
  std::vector<Held> out;
  for (Held& held : held_in({std::string(topic), std::string(name.topic)}, own, from, to)) {
    if (!held.value.empty()) {
      out.push_back(std::move(held));
      continue;
    }
    const std::string_view file = text_of(facts_.broker_config, name.broker);
    for (Held& wide : held_in({"", std::string(name.broker)}, file, from, held.until)) {
      if (wide.value.empty()) wide.value = name.fallback;
      out.push_back(std::move(wide));
    }
  }
  return out;
}

}  // namespace flux::sim
