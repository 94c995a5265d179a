// An idempotent librdkafka producer that writes down what was acknowledged.
//
//   idempotent_producer BROKER TOPIC ACKED_FILE
//
// Sends the values 0, 1, 2, ... (as text) at a steady pace until SIGTERM, then waits for what is
// under way. Each acknowledgement becomes a line "VALUE OFFSET" in ACKED_FILE. Brokers may die and
// come back at any time. Exit status: 0 when every value sent was acknowledged, 1 when one was not.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <librdkafka/rdkafka.h>

namespace {

volatile std::sig_atomic_t stopping = 0;

struct Totals {
  std::FILE* acked_file = nullptr;
  long acked = 0;
  long failed = 0;
};

void delivered(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto* totals = static_cast<Totals*>(opaque);
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    std::fprintf(stderr, "not delivered: %s\n", rd_kafka_err2str(message->err));
    ++totals->failed;
    return;
  }
  ++totals->acked;
  std::fprintf(totals->acked_file, "%.*s %lld\n", static_cast<int>(message->len),
               static_cast<const char*>(message->payload), static_cast<long long>(message->offset));
}

void set(rd_kafka_conf_t* conf, const char* name, const char* value) {
  char why[512];
  if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK) {
    std::fprintf(stderr, "%s\n", why);
    std::exit(2);
  }
}

// The arguments of rd_kafka_producev are made by macros that cast as C does.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
// Sends one value; waits while librdkafka's queue is full.
bool send(rd_kafka_t* producer, const char* topic, long value) {
  const std::string text = std::to_string(value);
  for (;;) {
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_VALUE(const_cast<char*>(text.data()), text.size()), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      std::fprintf(stderr, "produce: %s\n", rd_kafka_err2str(error));
      return false;
    }
    rd_kafka_poll(producer, 10);
    if (stopping) return true;
  }
}
#pragma GCC diagnostic pop

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: idempotent_producer BROKER TOPIC ACKED_FILE\n");
    return 2;
  }
  std::signal(SIGTERM, [](int) { stopping = 1; });
  Totals totals;
  totals.acked_file = std::fopen(argv[3], "w");
  if (!totals.acked_file) {
    std::perror(argv[3]);
    return 2;
  }
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", argv[1]);
  set(conf, "enable.idempotence", "true");
  set(conf, "message.timeout.ms", "120000");
  set(conf, "socket.timeout.ms", "5000");
  set(conf, "reconnect.backoff.max.ms", "500");
  set(conf, "queue.buffering.max.messages", "2000");
  set(conf, "linger.ms", "2");
  rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  rd_kafka_conf_set_opaque(conf, &totals);
  char why[512];
  rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
  if (!producer) {
    std::fprintf(stderr, "%s\n", why);
    return 2;
  }
  long sent = 0;
  while (!stopping && send(producer, argv[2], sent)) {
    // About 20,000 values a second, so that every kill finds requests under way.
    if (++sent % 20 == 0) rd_kafka_poll(producer, 1);
  }
  rd_kafka_flush(producer, 120'000);
  const int left = rd_kafka_outq_len(producer);
  rd_kafka_destroy(producer);
  std::fclose(totals.acked_file);
  std::printf("sent %ld acknowledged %ld failed %ld left %d\n", sent, totals.acked, totals.failed,
              left);
  return totals.failed == 0 && left == 0 ? 0 : 1;
}
