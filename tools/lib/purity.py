#!/usr/bin/env python3
"""Refuses an archive that reaches the operating system, or that runs code before main().

A pure layer knows the world only through the interfaces of core/env. Its headers and its source
may look clean and still take a clock through a template of the standard library, so this reads
what the compiler made of them: the symbols that the archive wants from outside.

C symbols are refused unless listed here, since the C library is mostly operating system. Symbols
of the C++ library are accepted unless listed here, since it is mostly not. Symbols of Flux itself
are the business of the link test.

    purity.py ARCHIVE
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

# Pure computation in the C library, and what compilers call by themselves.
PURE_C = re.compile(
    r"""^(
      mem(chr|cmp|cpy|move|rchr|set) | bcmp | str(len|nlen|cmp|ncmp|chr) | __mem(cpy|move|set)_chk
    | __(u?div|u?mod|mul|ashl|ashr|lshr|u?divmod)ti[34]
    | __cxa_(begin_catch|end_catch|rethrow|throw|allocate_exception|free_exception|pure_virtual
            |throw_bad_array_new_length|call_unexpected|init_primary_exception|bad_cast)
    | __cxa_deleted_virtual | __dynamic_cast | __gxx_personality_v0 | _Unwind_Resume
    | __stack_chk_fail | _GLOBAL_OFFSET_TABLE_ | __dso_handle
    | __libc_single_threaded                         # std::shared_ptr chooses its counter by it
    | __(start|stop)_flux_\w+                        # linker-made bounds of our own sections
    | snprintf | ceil                               # fmt's templates, for floating point
    # Libraries that compute on bytes they are given.
    | crc32_iscsi\w* | LZ4\w+ | ZSTD_\w+ | snappy_\w+
    | __cpu_model                                    # what the processor has, for how, not for what
    | (deflate|inflate)\w* | compressBound | crc32(_z)? | adler32(_z)?
    )$""",
    re.VERBOSE,
)

# What a C++ symbol may not name, and what to use in its place. The search is over the name alone,
# without its parameters.
IMPURE_CXX = [
    (r"std::chrono::_V2::|std::chrono::.*_clock::now", "the Clock of core/env"),
    (r"std::(random_device|mersenne_twister_engine)|std::\w+_distribution",
     "the Random of core/env"),
    (r"std::(thread|jthread|this_thread|__thread)\b|std::_V2::condition_variable"
     r"|std::condition_variable|std::(__)?(call_once|once_call\w*)|std::__future_base"
     r"|std::(recursive_)?(timed_)?mutex|std::__atomic_futex|std::_Sp_locker",
     "fibers and core/sync: a broker is one thread"),
    (r"std::filesystem|std::__basic_file|std::basic_(if|of|f)(stream|ilebuf)|std::basic_filebuf",
     "the Disk of core/env"),
    (r"std::(cout|cin|cerr|clog|wcout|wcin|wcerr|wclog)\b|std::ios_base::Init",
     "the Trace of core/env"),
    (r"std::(basic_)?(i|o|io)?stream\b|std::basic_\w*stringbuf|std::basic_\w*stream|std::locale",
     "fmt::format: streams carry a locale, which is state of the process"),
    (r"std::__detail::_Prime_rehash_policy|std::_Hash_bytes",
     "std::map or a sorted vector: a hash table's order is the library's affair"),
    (r"fmt::v\d+::(vprint|print|file|buffered_file|ostream|format_system_error)",
     "the Trace of core/env"),
    (r"boost::|rc::|testing::", "a layer that may use this library (tests/tidy says which)"),
]

# The replacement to print for a refused C symbol; the first match speaks.
C_ADVICE = [
    (r"(pthread|sem_|mtx_|cnd_|thrd_|syscall)", "fibers and core/sync: a broker is one thread"),
    (r"(clock_|gettimeofday|^time$|nanosleep|usleep|^sleep|timer|ftime|_r$|mktime|strftime)",
     "the Clock and Scheduler of core/env"),
    (r"(rand|random|getentropy|arc4)", "the Random of core/env"),
    (r"(socket|bind|listen|accept|connect|send|recv|getaddrinfo|epoll|poll|select|shutdown)",
     "the Network of core/env"),
    (r"(open|close|read|write|sync|trunc|rename|unlink|stat|lseek|mmap|dir|fopen|fput|print|std)",
     "the Disk or Trace of core/env; CHECK for what cannot happen"),
    (r"(getenv|environ|sysconf|uname|gethostname|getpid|sysinfo)", "a field of the node's Config"),
    (r"(malloc|calloc|realloc|free|aligned_alloc|posix_memalign)",
     "operator new: the simulator owns the heap of each node"),
    (r"(__cxa_guard|__cxa_atexit|__cxa_thread_atexit|__tls)",
     "constinit data, or a member: a static is made by whichever node comes first, on its heap"),
    (r"(__errno_location|strto|ato[fil]|strerror|setlocale)",
     "std::from_chars and Result<T>: errno and the locale are state of the process"),
    (r"(exit|abort|terminate|signal|raise|kill|setjmp|longjmp)", "CHECK, or Result<T>"),
    (r"(floor|ceil|round|sqrt|pow|log|exp|sin|cos|fmod|__\w+[sdtx]f[23]?)", "integers"),
]

# The few members that need an impure symbol to do their work, and why.
GRANTS = {
    # The default hook of CHECK prints and aborts; simulator and daemon install their own.
    ("core_base", "check.cpp.o"): {"abort", "fprintf", "fputs", "fwrite", "fflush", "fputc",
                                   "stderr"},
    # This is where the simulator's operator new gets its memory.
    ("sim_world", "node_heap.cpp.o"): {"aligned_alloc", "free", "malloc", "realloc"},
}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def undefined_symbols(archive):
    """(member, mangled, demangled) of each symbol that some member wants and no member gives."""
    wanted, given = [], set()
    for line in run("nm", "-A", str(archive)).splitlines():
        match = re.match(r"^.*?:([^:]+): *[0-9a-f]* ([A-Za-z]) (\S+)$", line)
        if not match:
            continue
        member, kind, symbol = match.groups()
        if kind in "Uwv":
            wanted.append((member, symbol.split("@")[0]))
        else:
            given.add(symbol)
    wanted = sorted({(member, symbol) for member, symbol in wanted if symbol not in given})
    plain = subprocess.run(["c++filt"], input="\n".join(symbol for _, symbol in wanted),
                           check=True, capture_output=True, text=True).stdout.splitlines()
    return [(member, symbol, name) for (member, symbol), name in zip(wanted, plain)]


def strip_parameters(name):
    """Cuts a demangled name before its parameter list, which names types and not what is called."""
    depth = 0
    for index, char in enumerate(name):
        if char == "<":
            depth += 1
        elif char == ">":
            depth -= 1
        elif char == "(" and depth == 0 and not name.startswith("(anonymous namespace)", index):
            return name[:index]
    return name


def refusal(layer, member, symbol, name):
    """The replacement for a symbol that this layer may not want, or None."""
    if not symbol.startswith("_Z"):
        if PURE_C.match(symbol) or symbol in GRANTS.get((layer, member), ()):
            return None
        for pattern, advice in C_ADVICE:
            if re.search(pattern, symbol):
                return advice
        return "nothing yet: if it only computes, list it in tools/lib/purity.py"
    for pattern, advice in IMPURE_CXX:
        if re.search(pattern, strip_parameters(name)):
            return advice
    return None


def initialisers(archive):
    """(member, section) for each section that runs before main() or belongs to a thread."""
    member = archive.name
    for line in run("readelf", "-SW", str(archive)).splitlines():
        file_line = re.match(r"^File: .*\((.*)\)$", line)
        if file_line:
            member = file_line.group(1)
        section = re.search(r"\] (\.(?:init_array|ctors|tbss|tdata)\S*)", line)
        if section:
            yield member, section.group(1)


def main():
    parser = argparse.ArgumentParser(description="Refuses an archive that is not pure.")
    parser.add_argument("archive", type=Path)
    options = parser.parse_args()
    layer = re.sub(r"^lib|\.a$", "", options.archive.name)

    findings = []
    for member, symbol, name in undefined_symbols(options.archive):
        advice = refusal(layer, member, symbol, name)
        if advice:
            findings.append(f"{layer}: {member} wants {name}. Use {advice}.")
    for member, section in initialisers(options.archive):
        if section.startswith((".tbss", ".tdata")):
            findings.append(f"{layer}: {member} has thread-local data. Use a member.")
        else:
            findings.append(f"{layer}: {member} has a dynamic initialiser. Use constinit data:"
                            " what runs before main() runs in an order that links decide.")
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
