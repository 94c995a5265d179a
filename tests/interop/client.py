"""The command line that all client programs share, read and carried out for those in Python."""

import argparse


def parse(name):
    parser = argparse.ArgumentParser(prog=name)
    parser.add_argument("what", choices=["produce", "consume", "codecs"])
    parser.add_argument("--bootstrap", default="")
    parser.add_argument("--topic", default="")
    parser.add_argument("--partitions", type=int, default=1)
    parser.add_argument("--records", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--base-ms", type=int, default=0)
    parser.add_argument("--codec", default="none")
    parser.add_argument("--acks", default="all", choices=["0", "1", "all"])
    parser.add_argument("--plant", default="")
    return parser.parse_args()


def run(name, produce, consume):
    """The whole of a client program. All those in Python have every codec."""
    options = parse(name)
    if options.what == "codecs":
        print("none gzip snappy lz4 zstd")
    else:
        {"produce": produce, "consume": consume}[options.what](options)
