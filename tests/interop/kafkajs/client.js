// kafkajs as a client of the interop matrix; see README.md of the folder above. It only produces:
// its consumer works in groups alone. NODE_PATH says where its modules are.
'use strict';

const {Kafka, CompressionCodecs, CompressionTypes, logLevel} = require('kafkajs');

const PATTERN_BYTES = 4096;
const RECORDS_PER_SEND = 3000;

// kafkajs ships gzip and lets others plug in the rest.
CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy');
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: encoder => require('lz4-napi').compressFrame(encoder.buffer),
});
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async encoder => require('zstd-napi').compress(encoder.buffer),
});
const CODECS = {none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4};

function parse(argv) {
  const options = {what: argv[0], partitions: 1, records: 0, seed: 1, 'base-ms': 0, codec: 'none',
    acks: 'all'};
  for (let i = 1; i + 1 < argv.length; i += 2) {
    const name = argv[i].slice(2);
    options[name] = typeof options[name] === 'number' ? Number(argv[i + 1]) : argv[i + 1];
  }
  return options;
}

function mix(x) {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

function makePattern(seed) {
  const pattern = Buffer.alloc(PATTERN_BYTES + 256);
  for (let j = 0; j < pattern.length; ++j)
    pattern[j] = j & 64 ? 97 + j % 26 : mix(seed ^ j) & 255;
  return pattern;
}

function makeHeaders(h) {
  const headers = {};
  for (let j = 0; j < (h >>> 24 & 3); ++j) {
    let value = Buffer.from(`v${h % 997}`);
    // It cannot send null as a header's value: this is shape `filled` of records.py.
    if (j === 2 || (j === 1 && (h >>> 5 & 1))) value = Buffer.alloc(0);
    headers[`h${j}`] = value;
  }
  return headers;
}

function makeRecord(i, pattern, options) {
  const h = mix(options.seed + Math.imul(i, 0x9e3779b9) | 0);
  const at = h % PATTERN_BYTES;
  let key = Buffer.from(`k${(h >>> 16) % 1000}`);
  let value = Buffer.concat([Buffer.from(`${i}:`), pattern.subarray(at, at + (h >>> 12) % 200)]);
  if (h % 61 === 0) value = null;
  else if (h % 61 === 1) value = Buffer.alloc(0);
  if ((h >>> 8) % 5 === 0) key = null;
  else if ((h >>> 8) % 5 === 1) key = Buffer.alloc(0);
  if (key === null && value === null) value = Buffer.alloc(0);
  const timestamp = String(options['base-ms'] + (i >>> 1) - h % 1000);
  return {key, value, headers: makeHeaders(h), timestamp, partition: i % options.partitions};
}

async function produce(options) {
  const kafka = new Kafka({brokers: [options.bootstrap], clientId: 'interop',
    logLevel: logLevel.ERROR});
  const idempotent = options.acks === 'all';
  const producer = kafka.producer({idempotent, maxInFlightRequests: idempotent ? 1 : 5});
  await producer.connect();
  const pattern = makePattern(options.seed);
  for (let first = 0; first < options.records; first += RECORDS_PER_SEND) {
    const messages = [];
    for (let i = first; i < Math.min(first + RECORDS_PER_SEND, options.records); ++i)
      messages.push(makeRecord(i, pattern, options));
    await producer.send({topic: options.topic, messages, compression: CODECS[options.codec],
      acks: idempotent ? -1 : Number(options.acks)});
  }
  await producer.disconnect();
}

async function main() {
  const options = parse(process.argv.slice(2));
  if (options.what === 'codecs') console.log(Object.keys(CODECS).join(' '));
  else if (options.what === 'produce') await produce(options);
  else throw new Error(`${options.what}: kafkajs only produces here`);
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
