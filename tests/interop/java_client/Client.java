// Java's own clients in the interop matrix; see README.md of the folder above.
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public final class Client {
    private static final int PATTERN_BYTES = 4096;

    private final Map<String, String> options = new HashMap<>(Map.of(
        "--codec", "none", "--acks", "all", "--partitions", "1", "--records", "0", "--seed", "1",
        "--base-ms", "0"));

    private Client(String[] arguments) {
        for (int i = 1; i + 1 < arguments.length; i += 2) options.put(arguments[i], arguments[i + 1]);
    }

    public static void main(String[] arguments) throws Exception {
        Client client = new Client(arguments);
        switch (arguments[0]) {
            case "produce" -> client.produce();
            case "consume" -> client.consume();
            case "codecs" -> System.out.println("none gzip snappy lz4 zstd");
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private long number(String name) {
        return Long.parseLong(options.get(name));
    }

    private static int mix(int x) {
        x = (x ^ (x >>> 16)) * 0x7feb352d;
        x = (x ^ (x >>> 15)) * 0x846ca68b;
        return x ^ (x >>> 16);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] makePattern(int seed) {
        byte[] pattern = new byte[PATTERN_BYTES + 256];
        for (int j = 0; j < pattern.length; ++j) {
            pattern[j] = (byte) ((j & 64) != 0 ? 'a' + j % 26 : mix(seed ^ j));
        }
        return pattern;
    }

    private static List<Header> makeHeaders(long h) {
        List<Header> headers = new ArrayList<>();
        for (int j = 0; j < (h >> 24 & 3); ++j) {
            byte[] value = bytes("v" + h % 997);
            if (j == 1 && (h >> 5 & 1) == 1) value = null;
            else if (j == 2) value = new byte[0];
            headers.add(new RecordHeader("h" + j, value));
        }
        return headers;
    }

    private ProducerRecord<byte[], byte[]> makeRecord(int i, byte[] pattern) {
        long h = mix((int) number("--seed") + i * 0x9e3779b9) & 0xffffffffL;
        int at = (int) (h % PATTERN_BYTES);
        byte[] prefix = bytes(i + ":");
        int drawn = (int) ((h >> 12) % 200);
        byte[] value = Arrays.copyOf(prefix, prefix.length + drawn);
        System.arraycopy(pattern, at, value, prefix.length, drawn);
        byte[] key = bytes("k" + (h >> 16) % 1000);
        if (h % 61 == 0) value = null;
        else if (h % 61 == 1) value = new byte[0];
        if ((h >> 8) % 5 == 0) key = null;
        else if ((h >> 8) % 5 == 1) key = new byte[0];
        long timestamp = number("--base-ms") + (i >> 1) - h % 1000;
        int partition = i % (int) number("--partitions");
        return new ProducerRecord<>(options.get("--topic"), partition, timestamp, key, value,
                                    makeHeaders(h));
    }

    // The producer's defaults, so idempotent and acks=all, unless other acks are asked for.
    private void produce() throws Exception {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", options.get("--bootstrap"));
        config.put("compression.type", options.get("--codec"));
        if (!options.get("--acks").equals("all")) config.put("acks", options.get("--acks"));
        AtomicLong failed = new AtomicLong();
        try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(),
                                                new ByteArraySerializer())) {
            byte[] pattern = makePattern((int) number("--seed"));
            for (int i = 0; i < number("--records"); ++i) {
                producer.send(makeRecord(i, pattern), (metadata, exception) -> {
                    if (exception != null && failed.incrementAndGet() == 1) {
                        exception.printStackTrace();
                    }
                });
            }
            producer.flush();
        }
        if (failed.get() > 0) throw new Exception(failed + " records failed");
    }

    private static final class Digest {
        long records = 0;
        final MessageDigest content = sha256();
        final MessageDigest times = sha256();

        static MessageDigest sha256() {
            try {
                return MessageDigest.getInstance("SHA-256");
            } catch (java.security.NoSuchAlgorithmException impossible) {
                throw new IllegalStateException(impossible);
            }
        }

        void addLength(int length) {
            content.update(ByteBuffer.allocate(4).putInt(length).flip());
        }

        void addBytes(byte[] bytes) {
            addLength(bytes == null ? -1 : bytes.length);
            if (bytes != null) content.update(bytes);
        }

        void add(ConsumerRecord<byte[], byte[]> record) {
            addBytes(record.key());
            addBytes(record.value());
            addLength(record.headers().toArray().length);
            for (Header header : record.headers()) {
                addBytes(header.key().getBytes(StandardCharsets.UTF_8));
                addBytes(header.value());
            }
            times.update(ByteBuffer.allocate(8).putLong(record.timestamp()).flip());
            ++records;
        }

        private static String hex(MessageDigest digest) {
            return HexFormat.of().formatHex(digest.digest(), 0, 16);
        }

        @Override
        public String toString() {
            return records + " " + hex(content) + " " + hex(times);
        }
    }

    private void consume() {
        Map<String, Object> config = Map.of("bootstrap.servers", options.get("--bootstrap"),
                                            "auto.offset.reset", "none");
        List<TopicPartition> partitions = new ArrayList<>();
        List<Digest> digests = new ArrayList<>();
        for (int p = 0; p < number("--partitions"); ++p) {
            partitions.add(new TopicPartition(options.get("--topic"), p));
            digests.add(new Digest());
        }
        try (var consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(),
                                                new ByteArrayDeserializer())) {
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
                for (var record : consumer.poll(Duration.ofSeconds(10))) {
                    var partition = new TopicPartition(record.topic(), record.partition());
                    if (record.offset() < ends.get(partition)) {
                        digests.get(record.partition()).add(record);
                    }
                }
            }
        }
        for (int p = 0; p < digests.size(); ++p) {
            System.out.println("digest " + p + " " + digests.get(p));
        }
    }
}
