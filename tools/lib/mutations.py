"""Mechanical mutants of C++ source text: one operator changed, one effect dropped.

Works on text that clang-format has laid out, not on a syntax tree: what it cannot be sure of it
leaves alone. All mutants of a file stand in one changed copy of it, each behind
`flux_mutation(NUMBER)`, so that one compilation serves hundreds and a run chooses one.
"""

import collections
import dataclasses
import re

BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
# Between blanks, as clang-format leaves them: `<` of a template has none.
COMPARISON = re.compile(r" (<=|>=|==|!=|<|>) ")
LOGICAL = re.compile(r" (&&|\|\|) ")
STEP = re.compile(r" ([+-]) 1\b(?!\.)")
# What is no behaviour: checks, marks, traces, the cost of work, and bugs planted by hand.
NO_EFFECT = re.compile(r"\b(CHECK\w*|REACHED|TRACE|MUTANT|charge|yield_if_due|reserve|"
                       r"static_assert)\b")
PLANTED = re.compile(r"(?<!!)\bMUTANT\(")
MARK_ONLY = re.compile(r"\)\s*REACHED\([^;]*\);")
DECLARATION = re.compile(r"^(const |constexpr |static |auto\b|using |struct |class |enum |"
                         r"[\w:]+(<.*>)?[&*]* \w+( =|;|\(|\{)|return\b|break\b|continue\b|"
                         r"case |else\b|std::(vector|map|optional|string|set)\b)")

LEFT_OF_DECLARATION = re.compile(r"(const )?[\w:]+(<.*>)?( const)?[\s*&]+(const )?\w+", re.S)


@dataclasses.dataclass
class Mutant:
    number: int
    file: str
    line: int
    operator: str
    before: str
    after: str
    again: int = 0  # the how-many-th of its kind in the file

    def name(self):
        return f"{self.file}:{self.line} {self.operator}: {self.before} -> {self.after}"

    def key(self):
        """Stays as it is when lines above move."""
        again = f" ({self.again + 1})" if self.again else ""
        return f"{self.file} {self.operator}: {self.before} -> {self.after}{again}"


def blank_comments(text):
    """Same length; comments and what stands in quotes become blanks, the quotes stay."""
    def blank(match):
        found = match[0]
        if found[0] in "\"'":
            return found[0] + " " * (len(found) - 2) + found[-1]
        return re.sub(r"[^\n]", " ", found)
    pattern = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|//[^\n]*|/\*.*?\*/'
    return re.sub(pattern, blank, text, flags=re.S)


def matching(text, at):
    """Where the bracket at `at` is closed."""
    depth = 0
    for i in range(at, len(text)):
        if text[i] in "([{":
            depth += 1
        elif text[i] in ")]}":
            depth -= 1
            if depth == 0:
                return i
    return -1


def balanced(text):
    return all(text.count(a) == text.count(b) for a, b in ("()", "[]", "{}"))


class File:
    """Collects the changes of one file and writes the copy."""

    def __init__(self, name, text, next_number):
        self.name = name
        self.text = text
        self.bare = blank_comments(text)
        self.number = next_number
        self.mutants = []
        self.edits = {}  # (start, end): list of (mutant, replacement of the whole span)
        self.skip = set()
        self.planted = self.find_planted()

    def find_planted(self):
        """Where code stands that runs only as a bug planted by hand."""
        spans = []
        for match in re.finditer(r"\b(if|for) \(", self.bare):
            end = matching(self.bare, match.end() - 1)
            condition = self.bare[match.end():end]
            if not PLANTED.search(condition) or "||" in condition:
                continue
            block = self.bare[end + 1:].startswith(" {")
            last = matching(self.bare, end + 2) if block else self.bare.index(";", end)
            spans.append((match.start(), last))
        return spans

    def line_of(self, at):
        return self.text.count("\n", 0, at) + 1

    def propose(self, span, at, operator, before, after, replacement):
        if any(first <= at < last for first, last in self.planted):
            return
        mutant = Mutant(self.number, self.name, self.line_of(at), operator,
                        " ".join(before.split()), " ".join(after.split()))
        self.number += 1
        self.mutants.append(mutant)
        self.edits.setdefault(span, []).append((mutant, replacement))

    def expression(self, start, end):
        """Mutants of an expression; all become alternatives of it."""
        part = self.bare[start:end]
        whole = self.text[start:end]
        if "[&]" in part or "[this" in part or "[=" in part or NO_EFFECT.search(part):
            return

        def change(match, new):
            a, b = match.span(1)
            context = whole[max(0, a - 24):b + 24]
            changed = whole[max(0, a - 24):a] + new + whole[b:b + 24]
            self.propose((start, end), start + a, "boundary" if new in BOUNDARY else "logic",
                         context, changed, whole[:a] + new + whole[b:])
        for match in COMPARISON.finditer(part):
            change(match, BOUNDARY[match[1]])
        for match in LOGICAL.finditer(part):
            change(match, "||" if match[1] == "&&" else "&&")
        for match in STEP.finditer(part):
            a, b = match.span()
            self.propose((start, end), start + a, "one", whole[max(0, a - 24):b],
                         whole[max(0, a - 24):a], whole[:a] + whole[b:])

    def conditions(self):
        for match in re.finditer(r"\b(if|while) \(", self.bare):
            start = match.end()
            end = matching(self.bare, match.end() - 1)
            part = self.bare[start:end]
            if end < 0 or ";" in part or re.search(r"[^=!<>]=[^=]", part):
                continue  # it declares something
            if MARK_ONLY.match(self.bare, end):
                continue
            self.expression(start, end)
            # Of a single equality that is what the other operator gives.
            equality = not LOGICAL.search(part) and re.search(r" (==|!=) ", part)
            if not NO_EFFECT.search(part) and not equality:
                whole = self.text[start:end]
                self.propose((start, end), start, "negated", whole, f"!({whole})", f"!({whole})")

    def returns(self):
        for match in re.finditer(r"^ +return ([^;{}]+);", self.bare, re.M):
            start, end = match.span(1)
            part = self.bare[start:end]
            if part.strip() in ("true", "false"):
                other = "false" if part.strip() == "true" else "true"
                self.propose((start, end), start, "constant", part, other, other)
            elif balanced(part):
                self.expression(start, end)

    def initial_values(self):
        pattern = r"^ +const (?:bool|std::\w+|Offset|auto|Timestamp|Instant) \w+ = ([^;{}]+);"
        for match in re.finditer(pattern, self.bare, re.M):
            if balanced(match[1]):
                self.expression(*match.span(1))

    def statements(self):
        """Effects that are left out: assignments, calls, increments that stand alone."""
        pattern = r"(?<=[;{}]\n) +([^\s{}/#][^;{}]*;)(?=\n)"
        for match in re.finditer(pattern, self.bare):
            part = match[1]
            if LEFT_OF_DECLARATION.fullmatch(part.split(" = ")[0]):
                continue
            if DECLARATION.match(part) or NO_EFFECT.search(part) or not balanced(part):
                continue
            if re.match(r"(if|for|while|switch|do|public|private)\b", part) or ": " in part[:12]:
                continue
            if not re.search(r"=|\+\+|--|\(", part):
                continue
            start, end = match.span(1)
            whole = self.text[start:end]
            self.propose((start, end), start, "dropped", whole, "", "")

    def early_returns(self):
        pattern = r"^(?:Result<void>|void) \w+::\w+\([^;{}]*\)(?: const)? \{\n"
        for match in re.finditer(pattern, self.bare, re.M):
            result = "{}" if match[0].startswith("Result") else ""
            head = " ".join(match[0].split("(")[0].split())
            at = match.end()
            self.propose((at, at), at, "empty", head, "returns at once", f"  return {result};\n")

    def collect(self):
        self.conditions()
        self.returns()
        self.initial_values()
        self.statements()
        self.early_returns()
        seen = collections.Counter()
        for mutant in sorted(self.mutants, key=lambda m: m.line):
            kind = mutant.key()
            mutant.again = seen[kind]
            seen[kind] += 1
        return self

    def write(self):
        """The copy; alternatives of one span are nested, statements are guarded."""
        out, done = [], 0
        for (start, end), changes in sorted(self.edits.items()):
            changes = [c for c in changes if c[0].number not in self.skip]
            if start < done or not changes:
                continue
            whole = self.text[start:end]
            out.append(self.text[done:start])
            if start == end:
                out += [f"  if (flux_mutation({m.number})) {new.strip()}\n" for m, new in changes]
            elif changes[0][0].operator == "dropped":
                guard = " && ".join(f"!flux_mutation({m.number})" for m, _ in changes)
                out.append(f"if ({guard}) {{ {whole} }}")
            else:
                out += [f"flux_mutation({m.number}) ? ({new}) : " for m, new in changes]
                out.append(f"({whole})")
            done = end
        out.append(self.text[done:])
        return ('extern "C" int flux_mutation_chosen;\n'
                "#define flux_mutation(number) (flux_mutation_chosen == (number))\n"
                f'#line 1 "{self.name}"\n' + "".join(out))

    def kept(self):
        """Those that stand in the copy."""
        done, out = 0, []
        for (start, end), changes in sorted(self.edits.items()):
            changes = [m for m, _ in changes if m.number not in self.skip]
            if start < done or not changes:
                continue
            out += changes
            done = end
        return out
