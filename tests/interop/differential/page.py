"""docs/bad_input.md: what each bad input is answered with, by Flux and by Kafka."""

import re

from protocol import ROOT

INTRODUCTION = """# Bad input, and what is answered

Each was sent to `fluxd` and to Apache Kafka 4.3.1 in every version that both serve, by
`tools/do interop differential --page`, which wrote this page. Where versions are answered
differently, each range has its row. What a client gets beside the error is compared there as well;
why the two may differ is in [explained.json](../tests/interop/differential/explained.json). Beside
each rough client under *connections* another one is served, and the broker's memory is looked at.

What `fluxd` cannot start with (an occupied port, a damaged setting or file, a data directory that
is in use, of a newer format or of another node) ends it with one line that names the thing and what
is allowed, and leaves the directory alone: `tests/interop/bad_starts` holds the list.

"""


def error_names():
    """Kafka's error codes, from the list that the broker has of them."""
    text = (ROOT / "net" / "kafka" / "errors.h").read_text()
    return {int(code): name.upper() for name, code in re.findall(
        r"^  X\((\w+), (-?\d+),", text, flags=re.M)}


def outcome(answer, names):
    """The errors of an answer in one word or few."""
    if "connection" in answer:
        said = {"open, no answer": "connection stays, no answer", "closed": "connection closed",
                "no answer": "connection no answer"}
        return said.get(answer["connection"], answer["connection"])
    found = []

    def visit(value):
        if isinstance(value, dict):
            if "error" in value:
                found.append(names.get(value["error"], str(value["error"])))
            for inner in value.values():
                visit(inner)
        elif isinstance(value, list):
            for inner in value:
                visit(inner)

    visit(answer)
    wrong = sorted({name for name in found if name != "NONE"})
    return ", ".join(f"`{name}`" for name in wrong) or "taken"


def write(path, rows):
    names = error_names()
    table = {}
    for case, ours, theirs in rows:
        key = (case.api, case.bad, outcome(ours, names), outcome(theirs, names))
        table.setdefault(key, []).append(case.version)
    lines = [INTRODUCTION]
    last = None
    for (api, bad, ours, theirs), versions in sorted(table.items(), key=lambda item: item[0]):
        if api != last:
            lines.append(f"{'' if last is None else chr(10)}## {api}\n\n"
                         "| input | versions | Flux | Kafka |\n|---|---|---|---|\n")
            last = api
        shown = f"{min(versions)}-{max(versions)}" if len(set(versions)) > 1 else versions[0]
        lines.append(f"| {bad} | {shown} | {ours} | {theirs if theirs != ours else 'the same'} |\n")
    path.write_text("".join(lines))
