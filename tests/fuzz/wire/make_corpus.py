#!/usr/bin/env python3
"""Writes the seed inputs of corpus/ from tests/vectors: for each message its lowest and its highest
version, full of values. The order of messages is that of net/schema/listing.txt. With a folder as
its argument it writes below that instead, as it would below tests/fuzz."""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TO = Path(sys.argv[1]) / "wire" if len(sys.argv) > 1 else HERE
TREE = HERE.parent.parent.parent


def messages():
    """{name: lowest version}, in the order in which wiregen visits them."""
    out = {}
    for line in (TREE / "net/schema/listing.txt").read_text().splitlines():
        if not line.startswith("#"):
            name, version = line.split(":")[0].split(" v")
            out.setdefault(name, int(version))
    return out


def main():
    lowest = messages()
    for half, other in (("request", "response"), ("response", "request")):
        names = [name for name in lowest if not name.endswith("_" + other)]
        folder = TO / "corpus" / half
        folder.mkdir(parents=True, exist_ok=True)
        for index, name in enumerate(names):
            path = next((TREE / "tests/vectors").glob(f"*/{name}.json"), None)
            if path is None or (path.parent.name == "record" and half == "response"):
                continue
            vectors = json.loads(path.read_text())
            by_size = {v["version"]: v for v in sorted(vectors, key=lambda v: len(v["bytes"]))}
            for version in {min(by_size), max(by_size)}:
                head = bytes([index, version - lowest[name]])
                (folder / f"{name}_v{version}.bin").write_bytes(
                    head + bytes.fromhex(by_size[version]["bytes"]))


if __name__ == "__main__":
    main()
