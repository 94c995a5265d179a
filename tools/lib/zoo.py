#!/usr/bin/env python3
"""Hunts each planted bug with the general swarm, which cannot see which one is on.

Every bug gets the same processor time, in whatever swarm there is (scenarios/swarm.json): seeds
from --first on, until the budget is spent. A seed detects the bug when it does not hold; the bugs
are also left off for one more row, in which every detection would be a false one. What was found is
kept in build/zoo/hunt.json and belongs to one build and one swarm: a hunt that was stopped goes on
where it was, and a larger budget only adds seeds.
"""

import argparse
import collections
import hashlib
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCENARIO = "swarm"
SEEDS_AT_ONCE = 8  # a budget is overdrawn by less than so many seeds take
NO_BUG = "(none)"
Z_95 = 1.959964  # of the normal distribution, both sides


def wilson(found, of):
    """The 95 % interval of a share, which is right for few and for extreme counts as well."""
    if of == 0:
        return 0.0, 1.0
    share, square = found / of, Z_95 * Z_95
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = Z_95 / (1 + square / of) * math.sqrt(share * (1 - share) / of +
                                                square / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


class Hunt:
    """What is known of one bug: `seeds` were run from the first on, `found` of them failed."""

    def __init__(self, known=None):
        known = known or {}
        self.seeds = known.get("seeds", 0)
        self.cpu_s = known.get("cpu_s", 0.0)
        self.found = known.get("found", {})  # seed: who found it

    def to_json(self):
        low, high = wilson(len(self.found), self.seeds)
        first = min(map(int, self.found), default=None)
        return {"seeds": self.seeds, "cpu_s": round(self.cpu_s, 1), "detections": len(self.found),
                "low": round(low, 4), "high": round(high, 4), "found": self.found,
                "first_seed": first}


def finder_of(line):
    """Who says so in a line like `seed 3 safety: acknowledged at 5210 ms: ...`."""
    match = re.match(r"seed (\d+) (\w+): (\w+) at ", line)
    if match and match[2] == "safety":
        return match[1], match[3]
    match = re.match(r"seed (\d+) (\w+):", line)
    return match[1], match[2]


def children_cpu_s():
    times = os.times()
    return times.children_user + times.children_system


def run_seeds(args, mutant, first, count):
    """Who found it, by seed, and the processor time that it took."""
    command = [args.fluxsim, "swarm", SCENARIO, "--first", str(first), "--seeds", str(count),
               "--jobs", str(args.jobs), "--json"]
    if mutant != NO_BUG:
        command += ["--mutant", mutant]
    before = children_cpu_s()
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        sys.exit(f"zoo: {' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    failures = json.loads(lines[-1])["failures"]
    return dict(finder_of(line) for line in failures), children_cpu_s() - before


def hunt(args, mutant, known, save):
    while known.cpu_s < args.budget_seconds:
        found, cpu_s = run_seeds(args, mutant, args.first + known.seeds, SEEDS_AT_ONCE)
        known.found.update(found)
        known.seeds += SEEDS_AT_ONCE
        known.cpu_s += cpu_s
        save()
    return known


def identity_of(args):
    """Figures of another build, or of another swarm, are not continued."""
    digest = hashlib.sha256()
    for path in (args.fluxsim, ROOT / "scenarios" / f"{SCENARIO}.json"):
        digest.update(pathlib.Path(path).read_bytes())
    return f"{digest.hexdigest()[:16]} from {args.first}"


class State:
    def __init__(self, path, identity, fresh):
        self.path = path
        self.identity = identity
        self.hunts = {}
        known = json.loads(path.read_text()) if path.exists() and not fresh else {}
        if known.get("identity") == identity:
            self.hunts = {name: Hunt(one) for name, one in known["hunts"].items()}

    def save(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        hunts = {name: one.to_json() for name, one in self.hunts.items()}
        with tempfile.NamedTemporaryFile("w", dir=self.path.parent, delete=False) as out:
            json.dump({"identity": self.identity, "hunts": hunts}, out, indent=1)
        os.replace(out.name, self.path)


def bugzoo_rows():
    """mutant: (row, what a user would see), from the table of scenarios/zoo/README.md."""
    rows = {}
    for line in (ROOT / "scenarios/zoo/README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) >= 3:
            rows[cells[0].strip("`")] = cells[1:3]
    return rows


def row_of(name, known):
    one = known.to_json()
    by = collections.Counter(known.found.values())
    finders = ", ".join(f"{who} {count}" for who, count in by.most_common())
    share = f"{100 * one['detections'] / max(1, one['seeds']):.0f} %"
    between = f"{100 * one['low']:.1f} to {100 * one['high']:.1f} %"
    first = "-" if one["first_seed"] is None else one["first_seed"]
    label = name if name == NO_BUG else f"`{name}`"
    return (f"| {label} | {one['detections']} of {one['seeds']} | {share} | {between} | {first} "
            f"| {finders or '-'} |")


TABLE_HEAD = """\
# Planted bugs and the general swarm

Each bug that is planted in the code ([scenarios/zoo](../../scenarios/zoo/README.md)) is hunted by
the general swarm, which draws everything from the seed and cannot see which bug is on. All get the
same processor time. Printed and written by

```sh
tools/do zoo --budget-seconds {budget} --jobs {jobs} --table
```

on: {machine}, build preset dev. Seeds begin at {first}. *Between* is the 95 % interval (Wilson) of
the chance that one seed detects the bug; *first* is the seed that was the first to do so; *by*
counts who said so: a checker, liveness, or a crash, which is a `CHECK` of the product.

| bug | detections | share | between | first | by |
|---|---|---|---|---|---|
"""


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    name = model[1].split(" ")[0:2] if model else ["unknown"]
    return f"{' '.join(name)}, {os.cpu_count()} cores"


def write_table(args, state, names):
    missed = [name for name in names if name != NO_BUG and not state.hunts[name].found]
    text = TABLE_HEAD.format(budget=args.budget_seconds, jobs=args.jobs, machine=machine(),
                             first=args.first)
    text += "".join(row_of(name, state.hunts[name]) + "\n" for name in names)
    text += "\n## Missed\n\n"
    rows = bugzoo_rows()
    for name in missed:
        text += f"- `{name}`: {rows.get(name, ['', ''])[1]}\n"
    text += "" if missed else "None.\n"
    (ROOT / "docs/benchmarks/zoo.md").write_text(text)


def arguments():
    parser = argparse.ArgumentParser(prog="tools/do zoo", description=__doc__.split("\n\n")[0],
                                     epilog="The last line counts the bugs that were found.")
    parser.add_argument("mutant", nargs="*", help="bugs to hunt; all when none is named")
    parser.add_argument("--fluxsim", default=str(ROOT / "build/dev/bin/fluxsim"),
                        help="a build with FLUX_MUTANTS (default: the dev preset's)")
    parser.add_argument("--budget-seconds", type=int, default=20,
                        help="processor time for each bug (default 20)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="seeds at once")
    parser.add_argument("--fresh", action="store_true", help="forget what was found before")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    parser.add_argument("--table", action="store_true", help="write docs/benchmarks/zoo.md")
    return parser.parse_args()


def main():
    args = arguments()
    listed = subprocess.run([args.fluxsim, "mutants"], capture_output=True, text=True, check=True)
    every = sorted(set(listed.stdout.split()))
    for name in args.mutant:
        if name not in every:
            sys.exit(f"zoo: no bug {name}; there are: {', '.join(every) or 'none in this build'}")
    names = (args.mutant or every) + ([] if args.mutant else [NO_BUG])
    state = State(ROOT / "build/zoo/hunt.json", identity_of(args), args.fresh)
    for number, name in enumerate(names, 1):
        known = hunt(args, name, state.hunts.setdefault(name, Hunt()), state.save)
        if not args.json:
            print(f"{number} of {len(names)} {row_of(name, known)}", flush=True)
    if args.json:
        print(json.dumps({name: state.hunts[name].to_json() for name in names}))
    if args.table:
        write_table(args, state, names)
    bugs = [name for name in names if name != NO_BUG]
    found = sum(1 for name in bugs if state.hunts[name].found)
    false_alarms = len(state.hunts[NO_BUG].found) if NO_BUG in names else 0
    if not args.json:
        print(f"{found} of {len(bugs)} bugs found by the swarm, {false_alarms} false alarms")
    return 0 if false_alarms == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
