"""Runs the simulator comparison: Flux's world, madsim and turmoil in turn, workload by workload.

Every figure is per second of processor time, so that what else runs on the machine takes part only
by what it does to the caches; all programs have one thread. A round runs each program once, in
turn, so that a slow minute is slow for all of them. The table shows medians over the rounds.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

# workload: which figure counts, what it is meant to reach, its arguments for each program. The
# sizes let each run take about a second of its program's time.
MESSAGES = "messages a second"
REAL_TIME = "times real time"
WORKLOADS = [
    ("mesh", MESSAGES, 5_000_000, {
        "flux": "mesh --replies 2000000", "madsim": "mesh --replies 500000",
        "turmoil": "mesh --replies 1000000", "heap": "mesh"}),
    ("lossy", MESSAGES, 4_000_000, {
        "flux": "lossy --replies 2000000", "madsim": "lossy --replies 500000",
        "turmoil": "lossy --replies 1000000"}),
    ("idle, 5 nodes", REAL_TIME, 200_000, {
        "flux": "idle --hours 48", "madsim": "idle --hours 12", "turmoil": "idle --hours 0.08"}),
    ("idle, 50 nodes", REAL_TIME, 2_000, {
        "flux": "idle --nodes 50 --hours 0.5", "madsim": "idle --nodes 50 --hours 0.1",
        "turmoil": "idle --nodes 50 --hours 0.001"}),
]
PROGRAMS = ["flux", "madsim", "turmoil", "heap"]


def command_of(args, program, words):
    paths = {
        "flux": args.flux,
        "madsim": f"{args.peers}/madsim_mesh/release/madsim_mesh",
        "turmoil": f"{args.peers}/turmoil_mesh/release/turmoil_mesh",
        "heap": f"{args.peers}/floor",
    }
    return [paths[program], *words.split()]


def run(command):
    """The last line that the program printed, as a dictionary of its NAME=VALUE words."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    words = done.stdout.strip().splitlines()[-1].split()
    return dict(word.split("=", 1) for word in words if "=" in word)


def figure(unit, result):
    if unit == MESSAGES:
        return float(result["delivered"]) / float(result["cpu_s"])
    return float(result["sim_s"]) / float(result["cpu_s"])


def measure(args):
    """figures[workload][program]: one for each round."""
    figures = {name: {p: [] for p in of} for name, _, _, of in WORKLOADS}
    hashes = {}
    for number in range(args.rounds):
        print(f"round {number + 1} of {args.rounds}", file=sys.stderr, flush=True)
        for name, unit, _, of in WORKLOADS:
            for program, words in of.items():
                result = run(command_of(args, program, words))
                figures[name][program].append(figure(unit, result))
                if hashes.setdefault((name, program), result["hash"]) != result["hash"]:
                    sys.exit(f"{program} {name}: one seed, two hashes")
    return figures


CLUSTER_SEEDS = 100


def clusters(fluxsim):
    """Whole clusters, as `fluxsim swarm` runs them: a process for each seed, all that costs."""
    before = os.times()
    events, simulated = 0, 0.0
    for seed in range(1, CLUSTER_SEEDS + 1):
        done = subprocess.run([fluxsim, "run", "swarm", "--seed", str(seed), "--json"],
                              capture_output=True, text=True, check=True)
        report = json.loads(done.stdout.splitlines()[0])
        events += report["events"]
        simulated += report["end_ms"] / 1000
    after = os.times()
    spent = (after.children_user - before.children_user +
             after.children_system - before.children_system)
    return [("events a second", events / spent),
            ("simulated seconds a second", simulated / spent),
            ("seeds a core-hour", CLUSTER_SEEDS / spent * 3600)]


def shown(values):
    """The median, and how far the rounds lie apart."""
    if not values:
        return "-"
    spread = max(values) / min(values) - 1
    return f"{statistics.median(values):,.0f} (+{spread:.0%})"


def table(figures):
    lines = ["| workload | unit | aim | Flux | madsim 0.2.34 | turmoil 0.7.2 | bare heap | "
             "Flux to the better peer |",
             "|---|---|---|---|---|---|---|---|"]
    for name, unit, aim, _ in WORKLOADS:
        of = figures[name]
        medians = {p: statistics.median(v) for p, v in of.items()}
        ratio = medians["flux"] / max(medians["madsim"], medians["turmoil"])
        cells = [shown(of.get(p, [])) for p in PROGRAMS]
        lines.append(f"| {name} | {unit} | {aim:,} | {' | '.join(cells)} | {ratio:.1f} |")
    return "\n".join(lines)


def machine():
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
    load = os.getloadavg()[1]
    return f"{model}, {os.cpu_count()} cores, one of them used; load average {load:.1f} at the end"


TEXT = """# The simulator beside other simulators

The same three workloads on Flux's simulated world and on two published simulators, one after the
other in each of {rounds} rounds. Printed and written by

```sh
tools/do bench simulator --rounds {rounds}
```

on: {machine}.

{table}

Figures are medians per second of processor time, with the distance from the slowest round to the
fastest in brackets; every program has one thread, so they are per core. Processor time leaves out
what others on the machine took of it, but not what they did to its caches, which is what the
50-node figure of Flux depends on most.

## Whole clusters

Seeds 1 to {seeds} of the general swarm (`fluxsim run swarm`), a process for each: a broker with its
log and its faults, up to four clients, an auditor, and all checkers. Also per second of processor
time.

{clusters}

## What is compared

| workload | what it does |
|---|---|
| mesh | 5 nodes, each keeps 64 requests of 256 bytes outstanding, each answered with 16 bytes |
| lossy | the same with 1 % of messages lost in the program, time-outs, retries, kills |
| idle | each node sends 16 bytes to every other once a second |

What the programs of madsim and turmoil are and how they differ is in
[tools/peers/simpeers](../../tools/peers/simpeers/README.md); Flux's is `tests/bench/sim_mesh`. A
message of Flux is a frame in a byte stream between two fibers with stacks of their own, hashed on
both sides into the seam and numbered for the trace; a message of the others is a datagram. "Bare
heap" is an event heap with nothing around it, which no simulator can reach.

The programs check that a seed gives one hash in every round.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flux", required=True)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--fluxsim", required=True)
    parser.add_argument("--document", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    figures = measure(args)
    text = table(figures)
    of_clusters = "| figure | |\n|---|---|\n" + "\n".join(
        f"| {what} | {value:,.0f} |" for what, value in clusters(args.fluxsim))
    print(text)
    print(of_clusters)
    path = pathlib.Path(args.document)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TEXT.format(rounds=args.rounds, machine=machine(), table=text,
                                clusters=of_clusters, seeds=CLUSTER_SEEDS))
    print(f"written to {path}", file=sys.stderr)


if __name__ == "__main__":
    main()
