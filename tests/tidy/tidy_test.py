#!/usr/bin/env python3
"""Plants a violation of each tidy rule in a small tree and sees it found, with its replacement.

A rule is tried both ways: what it must refuse, and what looks like it and must pass.
"""

import shutil
import tempfile
import unittest
from pathlib import Path

import shape
import tidy

HEADER = "// A header whose opening says what it is and must not do.\n#pragma once\n"


class TreeTest(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="flux-tidy-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.plant("core/README.md", "- `log/` one partition on disk\n")
        for part in ("net", "sim", "real", "tests"):
            self.plant(f"{part}/README.md", "- `x/` a part\n")

    def plant(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def rules(self):
        return {finding.rule for finding in tidy.check_tree(self.root)}

    def assert_refused(self, rule, path, text, replacement=""):
        self.plant(path, text)
        found = [finding for finding in tidy.check_tree(self.root) if finding.rule == rule]
        self.assertTrue(found, f"{rule} did not fire on {text!r}")
        self.assertIn(replacement, found[0].advice)
        (self.root / path).unlink()

    def assert_clean(self, path, text):
        self.plant(path, text)
        self.assertEqual([], [str(finding) for finding in tidy.check_tree(self.root)])
        (self.root / path).unlink()


class CodeBansTest(TreeTest):
    def refuse(self, rule, code, replacement):
        self.assert_refused(rule, "core/log/log.cpp", code + "\n", replacement)

    def test_each_ban_fires_and_names_its_replacement(self):
        self.refuse("hash-table", "std::unordered_map<int, int> a;", "std::map")
        self.refuse("hash-table", "std::unordered_set<int> a;", "sorted vector")
        self.refuse("hash-table", "auto h = std::hash<int>{}(1);", "std::map")
        self.refuse("pointer-key", "std::map<Log*, int> a;", "id")
        self.refuse("pointer-key", "std::set<const Log *> a;", "id")
        self.refuse("pointer-key", "std::set<std::unique_ptr<Log>> a;", "id")
        self.refuse("pointer-key", "std::less<Log*> a;", "id")
        self.refuse("dangling-loop", "for (const auto& e : *disk.list(task, path)) {", "name")
        self.refuse("dangling-loop", "for (auto e : *list()) see(e);", "name")
        self.refuse("float", "double ratio = 1;", "ratio.h")
        self.refuse("float", "float x;", "integers")
        self.refuse("random", "std::uniform_int_distribution<int> d;", "Random")
        self.refuse("random", "std::mt19937_64 engine;", "Random")
        self.refuse("random", "int x = rand();", "Random")
        self.refuse("random", "std::shuffle(a, b, c);", "Random")
        self.refuse("thread-local", "thread_local int x;", "member")
        self.refuse("threads", "std::mutex m;", "core/sync")
        self.refuse("threads", "std::shared_mutex m;", "core/sync")
        self.refuse("threads", "std::atomic<int> a;", "core/sync")
        self.refuse("threads", "std::atomic_int a;", "core/sync")
        self.refuse("threads", "std::jthread t;", "core/sync")
        self.refuse("threads", "volatile int x;", "core/sync")
        self.refuse("clock", "auto t = std::chrono::steady_clock::now();", "Clock")
        self.refuse("assert", "  assert(x > 1);", "CHECK")
        self.refuse("iostream", "std::cout << 1;", "fmt")
        self.refuse("goto", "goto end;", "smaller function")
        self.refuse("dynamic-order", "std::type_index i(t);", "enum")

    def test_comments_strings_and_lookalikes_pass(self):
        self.assert_clean("core/log/log.cpp", """\
// A double write is not a std::mutex, and rand() may stand in prose.
/* thread_local */
static_assert(sizeof(int) == 4);
const char* text = "std::unordered_map float assert(1)";
const char* raw = R"(double "quoted" goto)";
std::map<int, Log*> by_id;
int operand(int x);
int y = operand(1'000'000) + strand(2);
char quote = '"';
int doubled = 1;
""")

    def test_bans_of_the_pure_parts_leave_the_others_alone(self):
        self.assert_clean("real/x/clock.cpp", "std::atomic<int> a;\ndouble b;\n")
        self.assert_refused("threads", "net/x/a.cpp", "std::atomic<int> a;\n")
        self.assert_refused("float", "sim/x/a.cpp", "double a;\n")

    def test_an_excuse_needs_a_reason_and_covers_one_rule(self):
        self.assert_clean("sim/x/report.cpp",
                          "// tidy: allow float, since people read this rate\ndouble rate;\n")
        self.assert_refused("float", "sim/x/report.cpp", "double rate;  // tidy: allow float\n")
        self.assert_refused("threads", "sim/x/report.cpp",
                            "// tidy: allow float, since people read this\nstd::mutex m;\n")


class IncludesTest(TreeTest):
    def test_relative_includes_are_refused(self):
        for target in ("log.h", "../base/check.h", "./log.h", "base/check.h"):
            self.assert_refused("relative-include", "core/log/log.cpp", f'#include "{target}"\n',
                                "root of the repository")

    def test_each_library_stays_in_its_place(self):
        self.assert_refused("iostream", "real/x/a.cpp", "#include <iostream>\n", "fmt")
        self.assert_refused("assert", "real/x/a.cpp", "#include <cassert>\n", "check.h")
        self.assert_refused("impure-include", "core/log/a.cpp", "#include <chrono>\n", "core/env")
        self.assert_refused("impure-include", "sim/x/a.cpp", "#include <sys/stat.h>\n", "core/env")
        self.assert_refused("library", "core/log/a.cpp", "#include <boost/context/fiber.hpp>\n",
                            "core/fiber")
        self.assert_refused("library", "core/log/a.cpp", "#include <nlohmann/json.hpp>\n", "edges")
        self.assert_refused("library", "net/x/a.cpp", "#include <CLI/CLI.hpp>\n", "main files")
        self.assert_refused("library", "core/log/a.cpp", "#include <lz4.h>\n", "core/record")
        self.assert_refused("library", "sim/x/a.cpp", "#include <liburing.h>\n", "real")
        self.assert_refused("library", "core/log/a.cpp", "#include <gtest/gtest.h>\n", "tests")

    def test_main_files_and_the_host_tool_may(self):
        self.assert_clean("sim/x/fluxsim_main.cpp", "#include <CLI/CLI.hpp>\n#include <fstream>\n")


class ShapeTest(TreeTest):
    def test_sizes(self):
        self.assert_refused("columns", "core/log/a.cpp", "int " + "x" * 100 + ";\n", "100")
        self.assert_refused("file-length", "core/log/a.cpp", "int x;\n" * 801, "split")
        self.assert_refused("function-length", "core/log/a.cpp",
                            "int f() {\n" + "  g();\n" * 69 + "}\n", "split f")
        self.assert_clean("core/log/a.cpp", "int f() {\n" + "  g();\n" * 68 + "}\n")
        self.assert_refused("function-length", "tests/x/a.py",
                            "def f():\n" + "    g()\n" * 70, "split f")

    def test_long_methods_are_found_in_every_dress(self):
        body = "  g();\n" * 70
        for opening in ("Log::Log(int a) : a_{a}, b_(2) {", "auto f() const noexcept -> int {",
                        "template <typename T>\nvoid Log::append(T a) {", "TEST(Log, Appends) {",
                        "namespace flux {\nclass Log {\n void f() override {"):
            closing = "}\n" * opening.count("{") if "namespace" in opening else "}\n"
            self.assert_refused("function-length", "core/log/a.cpp", f"{opening}\n{body}{closing}")

    def test_long_types_and_tables_are_not_functions(self):
        self.assert_clean("core/log/a.cpp",
                          "class A {\n" + "  int f() { return 1; }\n" * 80 + "};\n"
                          "constexpr int table[] = {\n" + "  1,\n" * 80 + "};\n")

    def test_headers(self):
        self.plant("core/log/a.cpp", '#include "core/log/a.h"\n')
        self.assert_refused("header-comment", "core/log/a.h", "#pragma once\nint x;\n", "open")
        self.assert_refused("header-comment", "core/log/a.h", "// A log.\n#pragma once\n", "open")
        self.assert_refused("pragma-once", "core/log/a.h", HEADER.replace("#pragma once\n", ""))
        self.assert_refused("using-namespace", "core/log/a.h", HEADER + "using namespace std;\n")
        self.assert_clean("core/log/a.h", HEADER)
        self.assert_refused("dead-header", "core/log/b.h", HEADER, "remove")

    def test_white_space(self):
        self.assert_refused("spaces", "core/log/a.cpp", "int x; \n")
        self.assert_refused("tab", "core/log/a.cpp", "\tint x;\n")
        self.assert_refused("last-line", "core/log/a.cpp", "int x;")

    def test_functions_are_measured_from_signature_to_brace(self):
        text = "int f(int a,\n      int b) {\n  if (a) {\n  }\n  return b;\n}\n"
        self.assertEqual([("f", 1, 6)], list(shape.functions(text)))


class WordsTest(TreeTest):
    def test_words_are_refused_in_every_file(self):
        for path in ("core/log/a.cpp", "tests/README.md", "tests/x/run.sh"):
            kept = (self.root / path).read_text() if (self.root / path).exists() else None
            self.assert_refused("unfinished", path, "// TOD" "O: later\n", "finish")
            self.assert_refused("unfinished", path, "// FIX" "ME\n", "issue")
            self.assert_refused("machine-path", path, "see /home" "/me/notes\n", "repository")
            self.assert_refused("machine-path", path, "see /wor" "k/main/core\n", "repository")
            self.assert_refused("outside", path, "see .librar" "y/README\n", "docs/")
            self.assert_refused("credit", path, "Co-Authored" "-By: someone\n", "history")
            if kept is not None:
                self.plant(path, kept)


class FoldersTest(TreeTest):
    def test_a_folder_needs_a_page_or_a_line_in_the_map(self):
        self.assert_refused("map", "core/raft/a.cpp", "int x;\n", "raft/")
        self.plant("core/raft/README.md", "Consensus.\n")
        self.assert_clean("core/raft/a.cpp", "int x;\n")
        self.assert_clean("core/log/a.cpp", "int x;\n")
        self.assert_clean("tests/x/core/log/a.cpp", "int x;\n")

    def test_links_lead_somewhere(self):
        self.assert_refused("link", "core/log/README.md", "[here](nothing.md)\n", "nothing.md")
        self.assert_clean("core/log/README.md", "[up](../README.md#map) [web](https://x.org/a)\n")

    def test_every_package_is_explained(self):
        self.plant("tools/README.md", "- `lib/` parts\n")
        self.plant("docs/README.md", "pages\n")
        self.plant("docs/dependencies.md", "`zlib1g-dev` for gzip\n")
        self.assert_refused("packages", "tools/lib/packages.txt", "# x\nliblz4-dev\n", "liblz4-dev")
        self.assert_clean("tools/lib/packages.txt", "# x\nzlib1g-dev\n")


if __name__ == "__main__":
    unittest.main()
