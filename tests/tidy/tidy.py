#!/usr/bin/env python3
"""Checks the source tree for what neither a compiler nor an archive can tell.

    tidy.py [ROOT]

Prints one line for each finding: file, line, rule, and what to do instead. Rules about words in
code are in bans.py; rules about the shape of files and folders are here; shape.py finds functions.

A line may be excused, with a reason, on the line itself or the one above it:

    // tidy: allow float, since a report for people prints a rate
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import bans
import shape

LINES_PER_FILE_MAX = 800
LINES_PER_FUNCTION_MAX = 70
COLUMNS_MAX = 100
# Other systems as peers of a benchmark: kept in the layout in which their results were published.
UNMEASURED = "tools/peers/"

SKIPPED_FOLDERS = {".git", "build", "__pycache__", "node_modules", "flux-data"}
CPP = {".cpp", ".h"}
CODE = CPP | {".py", ".sh", ".cmake"}
TEXT = CODE | {".md", ".json", ".txt", ".yml", ".ts", ".rs", ".toml", ".js", ".html", ".css"}
ALLOW = re.compile(r"(?://|#) tidy: allow (\w[\w-]*), (\w.{9,})")

# Folders that hold a product: each has its own page, or a line in the map of the page above it.
MAPPED_ROOTS = ("core", "net", "sim", "real", "viz", "tools", "tests", "docs", "scenarios", "sdk",
                "cmake")


@dataclass
class Finding:
    path: str
    line: int
    rule: str
    advice: str

    def __str__(self):
        return f"{self.path}:{self.line}: [{self.rule}] {self.advice}"


def list_files(root):
    """Files of the tree, relative to its root: what git knows or would add, without git all."""
    if (root / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
        paths = [Path(name) for name in names.split("\0") if name]
    else:
        paths = [path.relative_to(root) for path in root.rglob("*")]
    return sorted(path for path in set(paths)
                  if (root / path).is_file() and not SKIPPED_FOLDERS.intersection(path.parts))


def is_code(path, text):
    return path.suffix in CODE or path.name == "CMakeLists.txt" or text.startswith("#!")


def read_text(path):
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def excuses(lines):
    """Line number to the rules excused there."""
    found = {}
    for number, line in enumerate(lines, 1):
        match = ALLOW.search(line)
        if match:
            found.setdefault(number, set()).add(match.group(1))
            found.setdefault(number + 1, set()).add(match.group(1))
    return found


def check_lines(path, lines, code):
    narrow = code and not path.startswith(UNMEASURED)
    for number, line in enumerate(lines, 1):
        if narrow and len(line) > COLUMNS_MAX:
            yield Finding(path, number, "columns", f"break the line at {COLUMNS_MAX} columns")
        if code and line != line.rstrip():
            yield Finding(path, number, "spaces", "remove the spaces at the end of the line")
        if code and "\t" in line:
            yield Finding(path, number, "tab", "indent by spaces")
        for ban in bans.TEXT_BANS:
            if ban.applies_to(path) and ban.pattern.search(line):
                yield Finding(path, number, ban.rule, ban.advice)
    if code and len(lines) > LINES_PER_FILE_MAX:
        yield Finding(path, len(lines), "file-length",
                      f"split the file: it is over {LINES_PER_FILE_MAX} lines")


def check_cpp(path, text):
    stripped = shape.strip_comments_and_strings(text)
    for number, line in enumerate(stripped.splitlines(), 1):
        for ban in bans.CODE_BANS:
            if ban.applies_to(path) and ban.pattern.search(line):
                yield Finding(path, number, ban.rule, ban.advice)
    for number, line in enumerate(text.splitlines(), 1):
        include = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if include:
            yield from check_include(path, number, *include.groups())
    for name, first, last in shape.functions(stripped):
        if last - first + 1 > LINES_PER_FUNCTION_MAX:
            yield Finding(path, first, "function-length", f"split {name}: it has "
                          f"{last - first + 1} lines, more than {LINES_PER_FUNCTION_MAX}")
    if path.endswith(".h"):
        yield from check_header(path, text, stripped)


def check_include(path, number, quote, target):
    if quote == '"' and target.split("/")[0] not in bans.INCLUDE_ROOTS:
        yield Finding(path, number, "relative-include",
                      'name the header from the root of the repository: "core/base/check.h"')
    for ban in bans.INCLUDE_BANS:
        if ban.applies_to(path) and ban.pattern.search(target):
            yield Finding(path, number, ban.rule, f"<{target}>: {ban.advice}")


def check_header(path, text, stripped):
    opening = re.match(r"(?://[^\n]*\n)+", text)
    if not opening or len(re.sub(r"[/\s]", "", opening.group(0))) < 30:
        yield Finding(path, 1, "header-comment",
                      "open the header with what the thing is, its rules and what it must not do")
    if "#pragma once" not in stripped:
        yield Finding(path, 1, "pragma-once", "add #pragma once below the opening comment")
    for number, line in enumerate(stripped.splitlines(), 1):
        if re.match(r"\s*using\s+namespace\b", line):
            yield Finding(path, number, "using-namespace",
                          "name the namespace where it is used: this reaches every includer")


def check_python(path, text):
    for name, first, last in shape.python_functions(text):
        if last - first + 1 > LINES_PER_FUNCTION_MAX:
            yield Finding(path, first, "function-length", f"split {name}: it has "
                          f"{last - first + 1} lines, more than {LINES_PER_FUNCTION_MAX}")


def check_links(root, path, text):
    for number, line in enumerate(text.splitlines(), 1):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
            if "://" not in target and not target.startswith("mailto:"):
                if not (root / path).parent.joinpath(target).exists():
                    yield Finding(path, number, "link", f"nothing stands at {target}")


def page_above(folder, pages):
    """The nearest page above a folder, and the folder's path from there."""
    for above in folder.parents:
        if above / "README.md" in pages:
            return above / "README.md", folder.relative_to(above)
    return None, folder


def check_folders(root, files):
    """Each folder is explained: by a page of its own or by a line in the map above it."""
    pages = {path for path in files if path.name == "README.md"}
    folders = {above for path in files for above in path.parents if above.parts}
    for folder in sorted(folders):
        if folder.parts[0] not in MAPPED_ROOTS or folder / "README.md" in pages:
            continue
        # Below tests/<kind> the folders are named after what they test, or hold its data. The other
        # two are where other build tools insist on looking.
        if folder.parts[0] == "tests" and len(folder.parts) > 2 or folder.name in ("src", ".cargo"):
            continue
        page, name = page_above(folder, pages)
        if page is None or f"{name}/" not in (root / page).read_text():
            yield Finding(str(folder), 1, "map", f"add a README.md, or a line with {name}/ to "
                          f"{page or 'a README.md above it'}")


def check_dead_headers(root, files, texts):
    """A header that nothing includes is not part of the program."""
    included = set()
    for path in files:
        if path.suffix in CPP or path.suffix == ".py":
            included.update(re.findall(r'#\s*include\s+"([^"]+)"', texts.get(path) or ""))
    for path in files:
        if path.suffix == ".h" and str(path) not in included:
            yield Finding(str(path), 1, "dead-header", "nothing includes it: remove it")


def check_packages(root):
    """Every package that setup installs is explained, with its version, in one page."""
    packages, page = root / "tools/lib/packages.txt", root / "docs/dependencies.md"
    if not packages.exists() or not page.exists():
        return
    explained = set(re.findall(r"`([a-z0-9.+-]+)`", page.read_text()))
    for number, line in enumerate(packages.read_text().splitlines(), 1):
        name = line.split("#")[0].strip()
        if name and name not in explained:
            yield Finding("tools/lib/packages.txt", number, "packages",
                          f"say in docs/dependencies.md what {name} is for")


def check_file(root, path, text):
    name, lines = str(path), text.splitlines()
    yield from check_lines(name, lines, is_code(path, text))
    if text and not text.endswith("\n"):
        yield Finding(name, len(lines), "last-line", "end the file with a newline")
    if path.suffix in CPP:
        yield from check_cpp(name, text)
    if path.suffix == ".py":
        yield from check_python(name, text)
    if path.suffix == ".md":
        yield from check_links(root, name, text)


def check_tree(root):
    files = list_files(root)
    texts = {}
    for path in files:
        if path.suffix in TEXT or not path.suffix or path.name == "CMakeLists.txt":
            texts[path] = read_text(root / path)
    findings = []
    for path, text in texts.items():
        if text is None:
            continue
        allowed = excuses(text.splitlines())
        findings += [finding for finding in check_file(root, path, text)
                     if finding.rule not in allowed.get(finding.line, ())]
    findings += check_folders(root, files)
    findings += check_dead_headers(root, files, texts)
    findings += check_packages(root)
    return findings


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    findings = check_tree(root)
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
