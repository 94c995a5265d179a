// The names of Kafka's broker settings that Flux does not use, so that Kafka's configuration files
// are taken as they are and a misspelt name is not.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace flux::node {

// Sorted. Those that Flux uses are not among them (config.cpp).
std::span<const std::string_view> unused_kafka_keys();

// Kafka knows it, by name or as one of its families (listener.name.*, group.share.*).
bool is_unused_kafka_key(std::string_view key);

// How many characters must be changed, added or removed to make one from the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace flux::node
