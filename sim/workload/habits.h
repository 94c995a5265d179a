// Habits: how one simulated client behaves, drawn from the ranges of its workload.
//
// Real clients differ in what they speak, how long they wait, how often they try and how much they
// send at once; a broker that only ever meets one kind is not tested. A draw is by name and by
// incarnation: a client that is started again may come back as another.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/client/config.h"
#include "sim/workload/workload.h"

namespace flux::sim {

enum class Library : std::uint8_t { java, librdkafka, oldest, hostile };
std::string_view name_of(Library library);
// What the weights of a WorkloadSpec may name.
std::vector<std::string_view> library_names();
std::vector<std::string_view> acks_names();
std::vector<std::string_view> codec_names();

struct Habits {
  Library library = Library::java;
  client::ClientConfig client;
  client::ProducerConfig producer;
  client::ConsumerConfig consumer;
  // Batches handed in and not yet answered; more wait.
  std::size_t outstanding_max = 5;
};

// Uniform in [span.low, span.high].
std::int64_t draw_span(env::Random& random, Key key, const Span& span);
// A name by its weight; `fallback` when no weight is above 0.
std::string draw_weighted(env::Random& random, Key key, const Weights& weights,
                          std::string_view fallback);

Habits draw_habits(env::Random& random, Seat& seat);
Acks history_acks(client::Acks acks);

}  // namespace flux::sim
