#include "sim/workload/habits.h"

#include <optional>

#include "core/base/check.h"
#include "core/record/compression.h"

namespace flux::sim {
namespace {

constexpr Key kHabits = key("client.habits");

constexpr Library kLibraries[] = {Library::hostile, Library::java, Library::librdkafka,
                                  Library::oldest};

struct NamedAcks {
  std::string_view name;
  client::Acks acks;
};
constexpr NamedAcks kAcks[] = {
    {"0", client::Acks::none}, {"1", client::Acks::leader}, {"all", client::Acks::all}};

constexpr record::Codec kCodecs[] = {record::Codec::none, record::Codec::gzip,
                                     record::Codec::snappy, record::Codec::lz4,
                                     record::Codec::zstd};

Library library_named(std::string_view name) {
  for (const Library library : kLibraries) {
    if (name_of(library) == name) return library;
  }
  UNREACHABLE("a library that no list of names holds");
}

client::Acks acks_named(std::string_view name) {
  for (const NamedAcks& entry : kAcks) {
    if (entry.name == name) return entry.acks;
  }
  UNREACHABLE("acks that no list of names holds");
}

// What the libraries do differently.
void apply_library(env::Random& random, const WorkloadSpec& spec, Habits& habits) {
  client::ProducerConfig& producer = habits.producer;
  switch (habits.library) {
    case Library::java:
      habits.client.versions = client::VersionCaps::newest();
      habits.consumer.sessions = random.draw(kHabits.with("sessions"), 4) != 0;
      producer.linger = milliseconds(draw_span(random, kHabits.with("linger"), {0, 5}));
      return;
    case Library::librdkafka:
      habits.client.versions = client::VersionCaps::librdkafka_2_0();
      producer.partition_per_request = true;
      producer.linger = milliseconds(draw_span(random, kHabits.with("linger"), {0, 10}));
      // Its default is a million; what matters is that it is more than five.
      if (!producer.idempotent) producer.in_flight_max = spec.in_flight_max * 4ULL;
      return;
    case Library::oldest:
    case Library::hostile:
      habits.client.versions = client::VersionCaps::oldest();
      producer.in_flight_max = 1;
      producer.linger = Duration();
      return;
  }
  UNREACHABLE("a library outside of the list");
}

}  // namespace

std::string_view name_of(Library library) {
  switch (library) {
    case Library::java:
      return "java";
    case Library::librdkafka:
      return "librdkafka";
    case Library::oldest:
      return "oldest";
    case Library::hostile:
      return "hostile";
  }
  UNREACHABLE("a library outside of the list");
}

std::vector<std::string_view> library_names() {
  std::vector<std::string_view> names;
  for (const Library library : kLibraries) names.push_back(name_of(library));
  return names;
}

std::vector<std::string_view> acks_names() {
  std::vector<std::string_view> names;
  for (const NamedAcks& entry : kAcks) names.push_back(entry.name);
  return names;
}

std::vector<std::string_view> codec_names() {
  std::vector<std::string_view> names;
  for (const record::Codec codec : kCodecs) names.push_back(record::name_of(codec));
  return names;
}

std::int64_t draw_span(env::Random& random, Key key, const Span& span) {
  if (span.high <= span.low) return span.low;
  const auto width = static_cast<std::uint64_t>(span.high - span.low) + 1;
  return span.low + static_cast<std::int64_t>(random.draw(key, width));
}

std::string draw_weighted(env::Random& random, Key key, const Weights& weights,
                          std::string_view fallback) {
  std::uint64_t sum = 0;
  for (const auto& [name, weight] : weights) sum += weight;
  if (sum == 0) return std::string(fallback);
  std::uint64_t left = random.draw(key, sum);
  for (const auto& [name, weight] : weights) {
    if (left < weight) return name;
    left -= weight;
  }
  UNREACHABLE("a draw above the sum of all weights");
}

Acks history_acks(client::Acks acks) { return static_cast<Acks>(acks); }

Habits draw_habits(env::Random& random, Seat& seat) {
  const WorkloadSpec& spec = seat.spec();
  Habits habits;
  habits.library =
      library_named(draw_weighted(random, kHabits.with("library"), spec.library, "java"));
  habits.client.bootstrap = seat.bootstrap();
  habits.client.client_id = seat.process().name();
  habits.client.connect_timeout = spec.request_timeout;
  habits.client.request_timeout = spec.request_timeout;
  habits.client.api_timeout = spec.delivery_timeout;
  const std::int64_t backoff = draw_span(random, kHabits.with("backoff"), {20, 200});
  habits.client.retry_backoff_min = milliseconds(backoff);
  habits.client.reconnect_backoff_min = milliseconds(backoff);

  client::ProducerConfig& producer = habits.producer;
  producer.acks = acks_named(draw_weighted(random, kHabits.with("acks"), spec.acks, "all"));
  producer.idempotent = producer.acks == client::Acks::all &&
                        random.draw(kHabits.with("idempotent"), 100) < spec.idempotent_percent;
  const std::string codec = draw_weighted(random, kHabits.with("codec"), spec.compression, "none");
  const std::optional<record::Codec> named = record::codec_named(codec);
  CHECK(named.has_value(), codec);
  producer.codec = *named;
  producer.in_flight_max = spec.in_flight_max;
  producer.delivery_timeout = spec.delivery_timeout;
  producer.ack_timeout = spec.request_timeout;
  // Only Java's does, and not in all of its versions.
  habits.consumer.sessions = false;
  // Some programs would rather hear of a failure than have a record twice.
  if (!producer.idempotent && random.draw(kHabits.with("retries"), 3) == 0) producer.retries = 0;
  apply_library(random, spec, habits);

  client::ConsumerConfig& consumer = habits.consumer;
  consumer.fetch_wait_max = milliseconds(draw_span(random, kHabits.with("fetch_wait"), {10, 500}));
  consumer.partition_bytes_max =
      static_cast<std::int32_t>(draw_span(random, kHabits.with("fetch_bytes"), {1, 64 * 1024}));
  const bool committed = random.draw(kHabits.with("committed"), 100) < spec.read_committed_percent;
  if (committed) consumer.isolation = client::Isolation::read_committed;
  habits.outstanding_max = static_cast<std::size_t>(
      draw_span(random, kHabits.with("outstanding"), {1, 2LL * spec.in_flight_max}));
  return habits;
}

}  // namespace flux::sim
