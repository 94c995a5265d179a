// franz-go as a client of the interop matrix; see README.md of the folder above.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"hash"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const patternBytes = 4096

type options struct {
	bootstrap, topic, codec, acks string
	partitions, records           int
	seed                          uint
	baseMs                        int64
}

func parse(arguments []string) options {
	var o options
	flags := flag.NewFlagSet("franz-go", flag.ExitOnError)
	flags.StringVar(&o.bootstrap, "bootstrap", "", "host:port")
	flags.StringVar(&o.topic, "topic", "", "topic")
	flags.StringVar(&o.codec, "codec", "none", "none, gzip, snappy, lz4 or zstd")
	flags.StringVar(&o.acks, "acks", "all", "0, 1 or all")
	flags.IntVar(&o.partitions, "partitions", 1, "partitions of the topic")
	flags.IntVar(&o.records, "records", 0, "how many to produce")
	flags.UintVar(&o.seed, "seed", 1, "of the records")
	flags.Int64Var(&o.baseMs, "base-ms", 0, "time of record 0")
	_ = flags.Parse(arguments)
	return o
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func mix(x uint32) uint32 {
	x = (x ^ x>>16) * 0x7feb352d
	x = (x ^ x>>15) * 0x846ca68b
	return x ^ x>>16
}

func makePattern(seed uint32) []byte {
	pattern := make([]byte, patternBytes+256)
	for j := range pattern {
		if j&64 != 0 {
			pattern[j] = byte('a' + j%26)
		} else {
			pattern[j] = byte(mix(seed ^ uint32(j)))
		}
	}
	return pattern
}

func makeHeaders(h uint32) []kgo.RecordHeader {
	var headers []kgo.RecordHeader
	for j := uint32(0); j < h>>24&3; j++ {
		value := []byte("v" + strconv.Itoa(int(h%997)))
		if j == 1 && h>>5&1 == 1 {
			value = nil
		} else if j == 2 {
			value = []byte{}
		}
		headers = append(headers, kgo.RecordHeader{Key: "h" + strconv.Itoa(int(j)), Value: value})
	}
	return headers
}

func makeRecord(i int, pattern []byte, o options) *kgo.Record {
	h := mix(uint32(o.seed) + uint32(i)*0x9e3779b9)
	at := h % patternBytes
	key := []byte("k" + strconv.Itoa(int(h>>16%1000)))
	value := append([]byte(strconv.Itoa(i)+":"), pattern[at:at+h>>12%200]...)
	if h%61 == 0 {
		value = nil
	} else if h%61 == 1 {
		value = []byte{}
	}
	if h>>8%5 == 0 {
		key = nil
	} else if h>>8%5 == 1 {
		key = []byte{}
	}
	return &kgo.Record{Topic: o.topic, Partition: int32(i % o.partitions), Key: key, Value: value,
		Headers:   makeHeaders(h),
		Timestamp: time.UnixMilli(o.baseMs + int64(i>>1) - int64(h%1000))}
}

func produce(o options) {
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(),
		"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	settings := []kgo.Opt{kgo.SeedBrokers(o.bootstrap), kgo.ProducerBatchCompression(codecs[o.codec]),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(10 * time.Millisecond)}
	switch o.acks {
	case "0":
		settings = append(settings, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	case "1":
		settings = append(settings, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	}
	client, err := kgo.NewClient(settings...)
	check(err)
	pattern := makePattern(uint32(o.seed))
	var failed atomic.Int64
	for i := 0; i < o.records; i++ {
		client.Produce(context.Background(), makeRecord(i, pattern, o),
			func(_ *kgo.Record, err error) {
				if err != nil && failed.Add(1) == 1 {
					fmt.Fprintln(os.Stderr, "not delivered:", err)
				}
			})
	}
	check(client.Flush(context.Background()))
	client.Close()
	if failed.Load() > 0 {
		check(fmt.Errorf("%d records failed", failed.Load()))
	}
}

func endOffsets(client *kgo.Client, o options) []int64 {
	request := kmsg.NewPtrListOffsetsRequest()
	request.ReplicaID = -1
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Topic = o.topic
	for p := 0; p < o.partitions; p++ {
		partition := kmsg.NewListOffsetsRequestTopicPartition()
		partition.Partition, partition.Timestamp = int32(p), -1
		topic.Partitions = append(topic.Partitions, partition)
	}
	request.Topics = append(request.Topics, topic)
	ends := make([]int64, o.partitions)
	for _, shard := range client.RequestSharded(context.Background(), request) {
		check(shard.Err)
		for _, topic := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics {
			for _, partition := range topic.Partitions {
				if partition.ErrorCode != 0 {
					check(fmt.Errorf("ListOffsets: error %d", partition.ErrorCode))
				}
				ends[partition.Partition] = partition.Offset
			}
		}
	}
	return ends
}

type digest struct {
	records        int
	content, times hash.Hash
	buffer         []byte
}

func (d *digest) bytes(b []byte, null bool) {
	length := int32(len(b))
	if null {
		length = -1
	}
	d.buffer = binary.BigEndian.AppendUint32(d.buffer, uint32(length))
	d.buffer = append(d.buffer, b...)
}

func (d *digest) add(r *kgo.Record) {
	d.buffer = d.buffer[:0]
	d.bytes(r.Key, r.Key == nil)
	d.bytes(r.Value, r.Value == nil)
	d.buffer = binary.BigEndian.AppendUint32(d.buffer, uint32(len(r.Headers)))
	for _, header := range r.Headers {
		d.bytes([]byte(header.Key), false)
		d.bytes(header.Value, header.Value == nil)
	}
	d.content.Write(d.buffer)
	d.times.Write(binary.BigEndian.AppendUint64(nil, uint64(r.Timestamp.UnixMilli())))
	d.records++
}

func consume(o options) {
	offsets := map[string]map[int32]kgo.Offset{o.topic: {}}
	digests := make([]digest, o.partitions)
	for p := range digests {
		offsets[o.topic][int32(p)] = kgo.NewOffset().At(0)
		digests[p].content, digests[p].times = sha256.New(), sha256.New()
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(o.bootstrap), kgo.ConsumePartitions(offsets),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()))
	check(err)
	ends := endOffsets(client, o)
	left := 0
	for _, end := range ends {
		if end > 0 {
			left++
		}
	}
	for left > 0 {
		fetches := client.PollFetches(context.Background())
		for _, failure := range fetches.Errors() {
			check(failure.Err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset < ends[r.Partition] {
				digests[r.Partition].add(r)
			}
			if r.Offset+1 == ends[r.Partition] {
				left--
			}
		})
	}
	client.Close()
	for p := range digests {
		d := &digests[p]
		fmt.Printf("digest %d %d %x %x\n", p, d.records, d.content.Sum(nil)[:16], d.times.Sum(nil)[:16])
	}
}

func main() {
	if len(os.Args) < 2 {
		check(fmt.Errorf("produce, consume or codecs"))
	}
	o := parse(os.Args[2:])
	switch os.Args[1] {
	case "produce":
		produce(o)
	case "consume":
		consume(o)
	case "codecs":
		fmt.Println("none gzip snappy lz4 zstd")
	default:
		check(fmt.Errorf("%s: produce, consume or codecs", os.Args[1]))
	}
}
