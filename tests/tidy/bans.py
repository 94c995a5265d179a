"""What may not stand in the source, where, and what to use instead.

Paths are relative to the root of the repository. The pure parts are core, net and sim: their code
runs the same in the simulator and in the daemon, and must do the same there twice.
"""

import re
from dataclasses import dataclass, field

INCLUDE_ROOTS = {"core", "net", "sim", "real", "viz", "tests"}

PURE = ("core/", "net/", "sim/")
PRODUCT = ("core/", "net/", "sim/", "real/", "viz/")
EVERYWHERE = ("",)

# A host tool of the build and the mains of programs: they meet files and arguments by their trade.
NOT_PURE = ("net/wiregen/", "_main.cpp")


@dataclass
class Ban:
    rule: str
    pattern: re.Pattern
    advice: str
    where: tuple = EVERYWHERE
    unless: tuple = field(default_factory=tuple)

    def __post_init__(self):
        self.pattern = re.compile(self.pattern)

    def applies_to(self, path):
        return (any(path.startswith(part) for part in self.where)
                and not any(part in path for part in self.unless))


# Searched in code without its comments and strings.
CODE_BANS = [
    Ban("hash-table", r"\bstd::unordered_(map|set|multimap|multiset)\b|\bstd::hash\b",
        "use std::map, std::set or a sorted vector: the order of a hash table is the library's",
        PURE, NOT_PURE),
    Ban("pointer-key", r"\bstd::(map|set|multimap|multiset)\s*<\s*[^,<>]*\*"
        r"|\bstd::(map|set|multimap|multiset)\s*<\s*(const\s+)?std::(unique|shared|weak)_ptr\b"
        r"|\bstd::(less|greater)\s*<[^<>]*\*\s*>|\bstd::owner_less\b",
        "key by an id: the order of addresses changes from run to run", PURE, NOT_PURE),
    Ban("float", r"\b(float|double)\b|\bstd::(lround|floor|ceil|round|sqrt|pow|log2?|exp)\b",
        "use integers, and core/base/ratio.h for shares: rounding depends on compiler and flags",
        PURE, NOT_PURE),
    Ban("random", r"\bstd::(\w+_distribution|random_device|mt19937(_64)?|minstd_rand0?"
        r"|default_random_engine|shuffle|sample)\b|(?<![\w.:>])s?rand(om)?\s*\(",
        "draw from the Random of core/env with a key that names the thing decided about", PURE),
    Ban("thread-local", r"\bthread_local\b|\b__thread\b",
        "make it a member: a thread is not a node, one thread runs many", PURE),
    Ban("threads", r"\bstd::(recursive_|timed_|shared_)*mutex\b|\bstd::atomic\w*\b"
        r"|\bstd::j?thread\b|\bstd::this_thread\b|\bstd::condition_variable\w*\b"
        r"|\bstd::(async|future|promise|packaged_task|call_once|once_flag|latch|barrier)\b"
        r"|\bstd::(counting|binary)_semaphore\b|\bstd::stop_(token|source)\b|\bvolatile\b",
        "use fibers and core/sync: a broker is one thread", PURE, NOT_PURE),
    Ban("clock", r"\bstd::chrono::(steady|system|high_resolution|utc|file)_clock\b",
        "ask the Clock of core/env", PURE),
    Ban("assert", r"(?<![\w.])assert\s*\(",
        "use CHECK of core/base/check.h, which is never compiled out"),
    Ban("iostream", r"\bstd::(cout|cerr|clog|cin)\b",
        "use the Trace of core/env in the product, fmt::print in programs"),
    Ban("goto", r"\bgoto\b", "return from a smaller function"),
    # C++23 keeps the temporary alive; g++ 12 does not, and the loop runs over freed memory.
    Ban("dangling-loop", r"\bfor\s*\([^;]*[^:]:\s*\*[\w.>()-]*\w\s*\([^;]*\)\s*\)\s*[{\w]",
        "name the Result before the loop: the temporary is gone when it begins"),
    Ban("dynamic-order", r"\btypeid\s*\([^)]*\)\s*\.\s*(before|hash_code)\b|\bstd::type_index\b",
        "order by an enum: type order is the compiler's", PURE),
]

# Searched in the target of an include.
INCLUDE_BANS = [
    Ban("iostream", r"^iostream$",
        "use the Trace of core/env in the product, fmt::print in programs: it drags in a dynamic "
        "initialiser"),
    Ban("assert", r"^(cassert|assert\.h)$", "use core/base/check.h, which is never compiled out"),
    Ban("impure-include", r"^(chrono|thread|mutex|shared_mutex|atomic|condition_variable|future"
        r"|semaphore|latch|barrier|stop_token|random|filesystem|fstream|iomanip|locale|regex)$"
        r"|^(unordered_map|unordered_set)$|^(sys/|pthread\.h|unistd\.h|fcntl\.h|time\.h|ctime$)"
        r"|^(sstream|ostream|istream)$",
        "reach the world through core/env, order through std::map, text through fmt", PURE,
        (*NOT_PURE, "core/fiber/stack_pool")),
    Ban("library", r"^boost/", "Boost.Context belongs to core/fiber alone", EVERYWHERE,
        ("core/fiber/",)),
    Ban("library", r"^nlohmann/",
        "JSON stays at the edges: net/wiregen, sim/run, viz, real/app and tests", EVERYWHERE,
        ("net/wiregen/", "sim/run/", "viz/", "real/app/", "tests/", "tools/")),
    Ban("library", r"^CLI/", "command lines are read in main files and real/app", EVERYWHERE,
        ("_main.cpp", "real/app/", "sim/run/", "tools/")),
    Ban("library", r"^(lz4\w*|zstd|snappy(-\w+)?|zlib)\.h$", "compression belongs to core/record",
        EVERYWHERE, ("core/record/", "tests/")),
    Ban("library", r"^(isa-l|xxhash)", "use core/base/crc32c.h and core/base/hash.h", EVERYWHERE,
        ("core/base/",)),
    Ban("library", r"^(liburing\.h|openssl/|curl/)", "the operating system belongs to real",
        EVERYWHERE, ("real/", "tests/")),
    Ban("library", r"^(gtest|gmock|rapidcheck|benchmark|librdkafka)\b",
        "test libraries belong to tests", EVERYWHERE, ("tests/",)),
]

# Searched in every line of every text file. The patterns are written so as not to match themselves.
TEXT_BANS = [
    Ban("unfinished", r"\b(FIX[M]E|TOD[O]|XX[X]|HAC[K])\b",
        "finish it, or open an issue and say in a sentence what is missing"),
    Ban("machine-path", r"(?<![\w.~*}/-])/(home|Users|root|wor[k]|mnt|workspace|tmp/flux-wt)/",
        "no path of one machine: name it from the root of the repository"),
    Ban("outside", r"(?<![\w*])\.(librar[y]|mirro[r])/|(?<![\w/])shared/(design|researc[h]|tools)/",
        "say it here, or in docs/: the reader has this repository and nothing else"),
    Ban("credit", r"(?i)\b(co-authored[-]by|generated wit[h])\b",
        "credits stand in the history, not in files"),
]
