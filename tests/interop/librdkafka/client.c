// librdkafka from C as a client of the interop matrix; see README.md of the folder above.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>
#include <openssl/evp.h>

enum { kPatternBytes = 4096, kPartitionsMax = 64 };

struct options {
  const char* what;
  const char* bootstrap;
  const char* topic;
  const char* codec;
  const char* acks;
  int partitions;
  long records;
  uint32_t seed;
  int64_t base_ms;
};

struct digest {
  long records;
  int64_t end_offset;
  EVP_MD_CTX* content;
  EVP_MD_CTX* times;
};

static long failures = 0;

static void die(const char* what, const char* why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static struct options parse(int argc, char** argv) {
  struct options o = {argc > 1 ? argv[1] : "", "", "", "none", "all", 1, 0, 1, 0};
  for (int i = 2; i + 1 < argc; i += 2) {
    const char *name = argv[i], *value = argv[i + 1];
    if (!strcmp(name, "--bootstrap"))
      o.bootstrap = value;
    else if (!strcmp(name, "--topic"))
      o.topic = value;
    else if (!strcmp(name, "--codec"))
      o.codec = value;
    else if (!strcmp(name, "--acks"))
      o.acks = value;
    else if (!strcmp(name, "--partitions"))
      o.partitions = atoi(value);
    else if (!strcmp(name, "--records"))
      o.records = atol(value);
    else if (!strcmp(name, "--seed"))
      o.seed = (uint32_t)strtoul(value, NULL, 10);
    else if (!strcmp(name, "--base-ms"))
      o.base_ms = atoll(value);
    else
      die(name, "unknown argument");
  }
  if (o.partitions < 1 || o.partitions > kPartitionsMax) die("--partitions", "1 to 64");
  return o;
}

static rd_kafka_t* make(rd_kafka_type_t type, const struct options* o, const char* const* pairs,
                        void (*delivered)(rd_kafka_t*, const rd_kafka_message_t*, void*)) {
  char why[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (; *pairs != NULL; pairs += 2)
    if (rd_kafka_conf_set(conf, pairs[0], pairs[1], why, sizeof why)) die(pairs[0], why);
  if (rd_kafka_conf_set(conf, "bootstrap.servers", o->bootstrap, why, sizeof why))
    die("--bootstrap", why);
  if (delivered != NULL) rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  rd_kafka_t* client = rd_kafka_new(type, conf, why, sizeof why);
  if (client == NULL) die("rd_kafka_new", why);
  return client;
}

static uint32_t mix(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352dU;
  x = (x ^ (x >> 15)) * 0x846ca68bU;
  return x ^ (x >> 16);
}

static void on_delivered(rd_kafka_t* client, const rd_kafka_message_t* message, void* opaque) {
  (void)client, (void)opaque;
  if (!message->err) return;
  if (failures++ == 0) fprintf(stderr, "not delivered: %s\n", rd_kafka_err2str(message->err));
}

static rd_kafka_headers_t* make_headers(uint32_t h) {
  int count = (int)(h >> 24 & 3);
  rd_kafka_headers_t* headers = rd_kafka_headers_new((size_t)count);
  for (int j = 0; j < count; ++j) {
    char name[8], value[16];
    int length = snprintf(value, sizeof value, "v%u", h % 997);
    snprintf(name, sizeof name, "h%d", j);
    if (j == 1 && (h >> 5 & 1))
      rd_kafka_header_add(headers, name, -1, NULL, 0);
    else
      rd_kafka_header_add(headers, name, -1, value, j == 2 ? 0 : length);
  }
  return headers;
}

static void send_record(rd_kafka_t* client, const struct options* o, const uint8_t* pattern,
                        uint32_t i) {
  static char empty[1];
  uint32_t h = mix(o->seed + i * 0x9e3779b9U);
  char key_text[16], value_text[256];
  int key_length = snprintf(key_text, sizeof key_text, "k%u", (h >> 16) % 1000);
  int value_length = snprintf(value_text, sizeof value_text, "%u:", i);
  int drawn = (int)((h >> 12) % 200);
  memcpy(value_text + value_length, pattern + h % kPatternBytes, (size_t)drawn);
  value_length += drawn;
  char *key = key_text, *value = value_text;
  if ((h >> 8) % 5 == 0)
    key = NULL, key_length = 0;
  else if ((h >> 8) % 5 == 1)
    key = empty, key_length = 0;
  if (h % 61 == 0)
    value = NULL, value_length = 0;
  else if (h % 61 == 1)
    value = empty, value_length = 0;
  for (;;) {
    rd_kafka_headers_t* headers = make_headers(h);
    rd_kafka_resp_err_t error = rd_kafka_producev(
        client, RD_KAFKA_V_TOPIC(o->topic),
        RD_KAFKA_V_PARTITION((int)(i % (uint32_t)o->partitions)),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, (size_t)key_length),
        RD_KAFKA_V_VALUE(value, (size_t)value_length),
        RD_KAFKA_V_TIMESTAMP(o->base_ms + (i >> 1) - h % 1000), RD_KAFKA_V_HEADERS(headers),
        RD_KAFKA_V_END);
    if (!error) return;
    rd_kafka_headers_destroy(headers);
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) die("produce", rd_kafka_err2str(error));
    rd_kafka_poll(client, 100);
  }
}

static int produce(const struct options* o) {
  const char* pairs[] = {
      "acks",      o->acks, "compression.type",   o->codec,
      "linger.ms", "20",    "enable.idempotence", strcmp(o->acks, "all") ? "false" : "true",
      NULL};
  rd_kafka_t* client = make(RD_KAFKA_PRODUCER, o, pairs, on_delivered);
  static uint8_t pattern[kPatternBytes + 256];
  for (uint32_t j = 0; j < sizeof pattern; ++j)
    pattern[j] = (uint8_t)(j & 64 ? 'a' + j % 26 : mix(o->seed ^ j) & 255);
  for (long i = 0; i < o->records; ++i) {
    send_record(client, o, pattern, (uint32_t)i);
    if (i % 1000 == 0) rd_kafka_poll(client, 0);
  }
  rd_kafka_flush(client, 120000);
  int left = rd_kafka_outq_len(client);
  rd_kafka_destroy(client);
  if (left || failures) fprintf(stderr, "%d not answered, %ld failed\n", left, failures);
  return left || failures ? 1 : 0;
}

static void add_number(EVP_MD_CTX* to, int64_t number, int size) {
  uint8_t bytes[8];
  for (int at = 0; at < size; ++at)
    bytes[at] = (uint8_t)((uint64_t)number >> (8 * (size - 1 - at)));
  EVP_DigestUpdate(to, bytes, (size_t)size);
}

static void add_bytes(EVP_MD_CTX* to, const void* bytes, size_t length) {
  add_number(to, bytes == NULL ? -1 : (int64_t)length, 4);
  if (bytes != NULL && length > 0) EVP_DigestUpdate(to, bytes, length);
}

static void add(struct digest* digest, const rd_kafka_message_t* message) {
  add_bytes(digest->content, message->key, message->key_len);
  add_bytes(digest->content, message->payload, message->len);
  rd_kafka_headers_t* headers = NULL;
  size_t count = 0;
  if (!rd_kafka_message_headers(message, &headers)) count = rd_kafka_header_cnt(headers);
  add_number(digest->content, (int64_t)count, 4);
  for (size_t at = 0; at < count; ++at) {
    const char* name;
    const void* value;
    size_t size;
    rd_kafka_header_get_all(headers, at, &name, &value, &size);
    add_bytes(digest->content, name, strlen(name));
    add_bytes(digest->content, value, size);
  }
  add_number(digest->times, rd_kafka_message_timestamp(message, NULL), 8);
  ++digest->records;
}

static void print_sum(EVP_MD_CTX* context) {
  uint8_t sum[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_DigestFinal_ex(context, sum, &size);
  printf(" ");
  for (int at = 0; at < 16; ++at) printf("%02x", sum[at]);
}

static int consume(const struct options* o) {
  const char* pairs[] = {"group.id",
                         "unused",
                         "check.crcs",
                         "true",
                         "enable.auto.commit",
                         "false",
                         "enable.auto.offset.store",
                         "false",
                         "auto.offset.reset",
                         "error",
                         NULL};
  rd_kafka_t* client = make(RD_KAFKA_CONSUMER, o, pairs, NULL);
  rd_kafka_poll_set_consumer(client);
  struct digest digests[kPartitionsMax];
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(o->partitions);
  int left = 0;
  for (int p = 0; p < o->partitions; ++p) {
    int64_t low, high;
    rd_kafka_resp_err_t error =
        rd_kafka_query_watermark_offsets(client, o->topic, p, &low, &high, 30000);
    if (error) die("watermarks", rd_kafka_err2str(error));
    digests[p] = (struct digest){0, high, EVP_MD_CTX_new(), EVP_MD_CTX_new()};
    EVP_DigestInit_ex(digests[p].content, EVP_sha256(), NULL);
    EVP_DigestInit_ex(digests[p].times, EVP_sha256(), NULL);
    rd_kafka_topic_partition_list_add(list, o->topic, p)->offset = 0;
    left += high > 0;
  }
  rd_kafka_assign(client, list);
  while (left > 0) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client, 1000);
    if (message == NULL) continue;
    if (message->err) die("consume", rd_kafka_message_errstr(message));
    struct digest* digest = &digests[message->partition];
    if (message->offset < digest->end_offset) add(digest, message);
    if (message->offset + 1 == digest->end_offset) --left;
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consumer_close(client);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_destroy(client);
  for (int p = 0; p < o->partitions; ++p) {
    printf("digest %d %ld", p, digests[p].records);
    print_sum(digests[p].content);
    print_sum(digests[p].times);
    printf("\n");
  }
  return 0;
}

int main(int argc, char** argv) {
  struct options o = parse(argc, argv);
  if (!strcmp(o.what, "produce")) return produce(&o);
  if (!strcmp(o.what, "consume")) return consume(&o);
  if (!strcmp(o.what, "codecs")) return puts("none gzip snappy lz4 zstd") < 0;
  die(o.what, "produce, consume or codecs");
  return 2;
}
