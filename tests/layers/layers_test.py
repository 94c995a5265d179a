#!/usr/bin/env python3
"""Plants one violation of each layer rule in a small tree and sees the build refuse it.

The tree uses this repository's own cmake/ and tools/lib/purity.py, so a net that is taken down
there is missed here. Every case starts from the same clean tree, which must build: a refusal
proves nothing when the rest is broken too. Each case names the words that the refusal must hold,
since a build can also fail for a wrong reason.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
COMPILER = "g++"

# Three layers: base below log, and sim above both. `log` is the place of most violations.
CLEAN_TREE = {
    "CMakeLists.txt": """
        cmake_minimum_required(VERSION 3.25)
        project(planted CXX)
        list(APPEND CMAKE_MODULE_PATH {repository}/cmake)
        include(Compiler)
        include(Sanitizers)
        include(Externals)
        include(Layers)
        enable_testing()
        add_layer(core_base DIR core/base PURE)
        add_layer(core_env DIR core/env DEPS core_base PURE)
        add_layer(core_log DIR core/log DEPS core_base PURE)
        add_layer(sim_world DIR sim/world DEPS core_log)
        flux_check_layers()
        """,
    "core/base/sum.h": "#pragma once\nint sum(int a, int b);\n",
    "core/base/sum.cpp": '#include "core/base/sum.h"\nint sum(int a, int b) { return a + b; }\n',
    "core/env/now.h": "#pragma once\nlong now();\n",
    "core/env/now.cpp": '#include "core/env/now.h"\nlong now() { return 7; }\n',
    "core/log/log.h": "#pragma once\nint append(int size);\n",
    "core/log/log.cpp": '#include "core/log/log.h"\n#include "core/base/sum.h"\n'
                        "int append(int size) { return sum(size, 1); }\n",
    "sim/world/world.h": '#pragma once\n#include "core/log/log.h"\nint world();\n',
    "sim/world/world.cpp": '#include "sim/world/world.h"\nint world() { return append(1); }\n',
}


class LayersTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="flux-layers-"))
        self.addCleanup(shutil.rmtree, self.folder)
        for path, text in CLEAN_TREE.items():
            self.plant(path, text.replace("{repository}", str(REPOSITORY)))

    def plant(self, path, text):
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def replace(self, path, old, new):
        text = (self.folder / path).read_text()
        self.assertIn(old, text)
        (self.folder / path).write_text(text.replace(old, new))

    def run_in_tree(self, *command):
        result = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        # CMake breaks its messages into lines; the words are what is compared.
        return result.returncode == 0, " ".join((result.stdout + result.stderr).split())

    def configure(self):
        return self.run_in_tree("cmake", "-S", ".", "-B", "build", "-G", "Ninja",
                                f"-DCMAKE_CXX_COMPILER={COMPILER}",
                                "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1")

    def build(self, *targets):
        passed, output = self.configure()
        self.assertTrue(passed, output)
        return self.run_in_tree("cmake", "--build", "build", "-t", *(targets or ("all",)))

    def test_clean_tree_passes_every_net(self):
        for targets in ((), ("all_verify_interface_header_sets",)):
            passed, output = self.build(*targets)
            self.assertTrue(passed, output)
        passed, output = self.run_in_tree("ctest", "--test-dir", "build")
        self.assertTrue(passed, output)

    # Include roots.

    def test_include_of_an_undeclared_layer_is_refused(self):
        self.replace("core/log/log.cpp", "core/base/sum.h\"\n", "core/base/sum.h\"\n"
                     '#include "core/env/now.h"\n')
        passed, output = self.build("core_log")
        self.assertFalse(passed)
        self.assertIn("core/env/now.h", output)

    def test_include_of_a_higher_layer_is_refused(self):
        self.replace("core/log/log.h", "#pragma once\n",
                     '#pragma once\n#include "sim/world/world.h"\n')
        passed, output = self.build("core_log")
        self.assertFalse(passed)
        self.assertIn("sim/world/world.h", output)

    # Link test.

    def test_undeclared_symbol_behind_a_forward_declaration_is_refused(self):
        self.replace("core/log/log.cpp", "int append(int size) {",
                     "long now();\nint append(int size) { size += static_cast<int>(now());")
        passed, output = self.build("core_log")
        self.assertTrue(passed, output)  # the archive alone shows nothing
        passed, output = self.build("link_core_log")
        self.assertFalse(passed)
        self.assertIn("now()", output)

    # Header check.

    def test_header_that_leans_on_its_includer_is_refused(self):
        self.replace("core/log/log.h", "int append(int size);",
                     "int append(int size);\nint first(const std::string& text);")
        self.replace("core/log/log.cpp", '#include "core/log/log.h"\n',
                     '#include <string>\n#include "core/log/log.h"\n')
        passed, output = self.build("core_log")
        self.assertTrue(passed, output)  # its own source file includes what it lacks
        passed, output = self.build("all_verify_interface_header_sets")
        self.assertFalse(passed)
        self.assertIn("core/log/log.h", output)

    # Purity test.

    def assert_impure(self, includes, body, *words):
        self.replace("core/log/log.cpp", '#include "core/base/sum.h"\n',
                     f'#include "core/base/sum.h"\n{includes}\n')
        self.replace("core/log/log.cpp", "int append(int size) {",
                     f"{body}\nint append(int size) {{ size += planted();")
        passed, output = self.build("core_log", "link_core_log")
        self.assertTrue(passed, output)  # it compiles and links: only the symbols tell
        passed, output = self.run_in_tree("ctest", "--test-dir", "build", "-R", "purity.core_log",
                                          "--output-on-failure")
        self.assertFalse(passed)
        for word in words:
            self.assertIn(word, output)

    def test_hidden_clock_is_refused(self):
        self.assert_impure(
            "#include <chrono>",
            "static int planted() { return static_cast<int>("
            "std::chrono::steady_clock::now().time_since_epoch().count()); }",
            "steady_clock::now", "Clock")

    def test_environment_variable_is_refused(self):
        self.assert_impure("#include <cstdlib>",
                           'static int planted() { return std::getenv("FLUX") ? 1 : 0; }',
                           "getenv", "Config")

    def test_file_is_refused(self):
        self.assert_impure("#include <fstream>",
                           'static int planted() { return std::ifstream("x").get(); }',
                           "ifstream", "Disk")

    def test_system_call_is_refused(self):
        self.assert_impure("#include <sys/socket.h>",
                           "static int planted() { return socket(1, 2, 3); }",
                           "socket", "Network")

    def test_random_device_is_refused(self):
        self.assert_impure("#include <random>",
                           "static int planted() { return static_cast<int>("
                           "std::random_device()()); }",
                           "random_device", "Random")

    def test_mutex_is_refused(self):
        self.assert_impure("#include <mutex>\nstatic std::mutex guard;",
                           "static int planted() { std::lock_guard lock(guard); return 1; }",
                           "pthread_mutex_lock", "core/sync")

    def test_sleep_is_refused(self):
        self.assert_impure("#include <thread>",
                           "static int planted() { std::this_thread::sleep_for("
                           "std::chrono::seconds(1)); return 1; }",
                           "sleep", "Clock and Scheduler")

    def test_unknown_c_symbol_is_refused(self):
        self.assert_impure('extern "C" __attribute__((weak)) int unheard_of(int);',
                           "static int planted() { return unheard_of(1); }",
                           "unheard_of", "if it only computes")

    def test_hash_table_is_refused(self):
        self.assert_impure("#include <unordered_map>",
                           "static int planted() { std::unordered_map<int, int> map; map[1] = 2; "
                           "return map.begin()->second; }",
                           "std::map or a sorted vector")

    def test_dynamic_initialiser_is_refused(self):
        self.assert_impure("#include <cstring>\nextern int early;",
                           "int early = sum(1, 2);\n"
                           "static int planted() { return early; }",
                           "dynamic initialiser", "constinit")

    def test_function_local_static_is_refused(self):
        self.assert_impure("",
                           "static int planted() { static int once = sum(1, 2); return once; }",
                           "__cxa_guard_acquire", "constinit")

    def test_thread_local_is_refused(self):
        self.assert_impure("",
                           "static thread_local int here = 3;\n"
                           "static int planted() { return here++; }",
                           "thread-local", "Use a member")

    # The declarations.

    def assert_not_configured(self, old, new, *words):
        self.replace("CMakeLists.txt", old, new)
        passed, output = self.configure()
        self.assertFalse(passed)
        for word in words:
            self.assertIn(word, output)

    def test_dependency_of_core_on_sim_is_refused(self):
        self.assert_not_configured("core/log DEPS core_base", "core/log DEPS sim_world",
                                   "core_log must not depend on sim_world")

    def test_dependency_of_real_on_sim_is_refused(self):
        self.plant("real/os/os.h", "#pragma once\n")
        self.assert_not_configured("flux_check_layers()",
                                   "add_layer(real_os DIR real/os DEPS sim_world)\n"
                                   "flux_check_layers()",
                                   "real_os must not depend on sim_world")

    def test_circle_is_refused(self):
        self.assert_not_configured("core/base PURE", "core/base DEPS core_log PURE", "circle")

    def test_unknown_dependency_is_refused(self):
        self.replace("CMakeLists.txt", "core/env DEPS core_base", "core/env DEPS core_bass")
        passed, output = self.configure()
        self.assertTrue(passed, output)
        self.assertIn("core_bass, which is not a layer", output)
        passed, output = self.build("core_log", "link_core_log")
        self.assertTrue(passed, output)  # other layers go on
        passed, output = self.build("link_core_env")
        self.assertFalse(passed)
        self.assertIn("core_bass", output)

    def test_layer_with_the_name_of_another_folder_is_refused(self):
        self.assert_not_configured("core_env DIR core/env", "core_clock DIR core/env",
                                   "is named core_env")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", default=COMPILER)
    options, rest = parser.parse_known_args()
    COMPILER = options.compiler
    unittest.main(argv=[sys.argv[0], *rest])
