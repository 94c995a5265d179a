#!/usr/bin/env python3
"""Writes the tapes of scenarios/regress: for each planted bug the run that finds it.

A tape holds the scenario's text, the seed, the settings and every fault item, so that it stays the
run it was when a scenario is edited. Of the decisions only those are kept that the seed would not
give: none, for a run that nobody edited. Without its bug a tape must hold, and with it the checker
must say what it once said; tests/zoo/tapes holds both.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "scenarios/regress"
HEAD = """\
# Runs that once failed, as tapes, and what makes them fail: a planted bug, and who says so. With
# the bug on, a tape is red; without, green. tests/zoo/tapes holds both; tools/lib/tapes.py writes
# them.
#
# tape                                          bug                                      checker
"""


def fluxsim(args, *words):
    done = subprocess.run([args.fluxsim, *words], capture_output=True, text=True, cwd=ROOT,
                          check=False)
    return done.stdout + done.stderr


def found_by(output):
    """The checkers that spoke, or the verdict."""
    verdict = output.strip().splitlines()[-1].split()[0].removeprefix("verdict=")
    if verdict != "safety":
        return {verdict}
    return {line.split()[1] for line in output.splitlines() if line.startswith("reason ")}


def rows():
    for line in (ROOT / "scenarios/zoo/planted.txt").read_text().splitlines():
        words = line.split("#")[0].split()
        if words:
            yield words


def record(args, mutant, scenario, seeds, checker, target):
    first, last = map(int, seeds.split("-"))
    for seed in range(first, last + 1):
        with tempfile.TemporaryDirectory() as folder:
            full = pathlib.Path(folder) / "full.tape"
            output = fluxsim(args, "run", scenario, "--seed", str(seed), "--mutant", mutant,
                             "--tape", str(full))
            if "verdict=" not in output or checker not in found_by(output):
                continue
            tape = json.loads(full.read_text())
            tape["decisions"] = []
            text = json.dumps(tape, indent=1) + "\n"
            tried = pathlib.Path(folder) / target.name
            tried.write_text(text)
            red = fluxsim(args, "replay", str(tried), "--mutant", mutant)
            green = fluxsim(args, "replay", str(tried))
        if red.split()[-1] != output.split()[-1]:
            sys.exit(f"{mutant}: the tape is another run than seed {seed} of {scenario}")
        if found_by(green) == {"held"}:
            target.write_text(text)
            return seed
    sys.exit(f"{mutant}: no seed of {scenario} from {seeds} is red with it and green without")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("mutant", nargs="*", help="all when none is named")
    parser.add_argument("--fluxsim", default=str(ROOT / "build/dev/bin/fluxsim"))
    args = parser.parse_args()
    lines = []
    for mutant, scenario, seeds, checker in rows():
        target = FOLDER / "tapes" / f"{mutant}.tape"
        target.parent.mkdir(exist_ok=True)
        if not args.mutant or mutant in args.mutant:
            seed = record(args, mutant, scenario, seeds, checker, target)
            print(f"{mutant}: {scenario} seed {seed}", flush=True)
        if target.exists():
            lines.append(f"{target.name:<47} {mutant:<40} {checker}\n")
    (FOLDER / "tapes.txt").write_text(HEAD + "".join(lines))


if __name__ == "__main__":
    main()
