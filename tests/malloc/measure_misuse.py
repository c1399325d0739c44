#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Which of mimalloc-bench's security programs are caught: on glibc, and on our libraries.

    cmake --preset release && cmake --build --preset release --target cairn_malloc
    git clone https://github.com/daanx/mimalloc-bench /tmp/mimalloc-bench
    tests/malloc/measure_misuse.py /tmp/mimalloc-bench/bench/security LIBRARY... [--said]

Each C source is three programs, for blocks of 8 bytes, 4 KiB and 256 KiB, and each C++ source is
one, as its CMakeLists.txt says. As in bench.sh a mistake is caught (+) where the program does not
come to say NOT_CAUGHT; late (l) where it does, but ends with a signal. Who is not done in 30 seconds
(bench.sh waits for one) is stopped (t). --said: what each program said at its end, to stderr.
"""
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SIZES = {"small": "8", "medium": "4096", "large": "256*1024"}
FLAGS = ["-O3", "-DNDEBUG", "-w", "-fno-inline", "-fno-inline-small-functions", "-fno-ipa-pure-const"]
CXX_FLAGS = ["-O3", "-DNDEBUG", "-w", "-std=c++17", "-fsized-deallocation", "-DALLOCATION_SIZE=4096"]
SECONDS = 30
MARKS = {"caught": "+", "late": "l", "timeout": "t", "no": "-"}


def build(source, folder):
    """The programs of a source, by the kind of blocks that they have."""
    if source.suffix == ".cc":
        commands = {"C++": ["g++", *CXX_FLAGS]}
    else:
        commands = {kind: ["gcc", *FLAGS, f"-DALLOCATION_SIZE={size}"] for kind, size in SIZES.items()}
    programs = {kind: folder / f"{source.stem}_{kind}" for kind in commands}
    for kind, command in commands.items():
        subprocess.run([*command, source, "-o", programs[kind]], check=True)
    return programs


def judge(program, library):
    environment = dict(os.environ, **({"LD_PRELOAD": library} if library else {}))
    try:
        done = subprocess.run([program], env=environment, timeout=SECONDS, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except subprocess.TimeoutExpired:
        return "timeout", ""
    said = b"NOT_CAUGHT" in done.stdout
    errors = done.stderr.decode(errors="replace").strip()
    if not said:
        return "caught", errors or f"status {done.returncode}"
    return ("late" if done.returncode != 0 else "no"), errors


def main():
    names = [name for name in sys.argv[1:] if name != "--said"]
    if not names:
        sys.exit(__doc__)
    libraries = [None] + [str(Path(name).resolve(strict=True)) for name in names[1:]]
    sources = sorted(path for path in Path(names[0]).iterdir() if path.suffix in (".c", ".cc"))
    counts = {}
    with tempfile.TemporaryDirectory() as folder:
        with ThreadPoolExecutor(2) as pool:
            built = pool.map(lambda source: build(source, Path(folder)), sources)
        rows = [(source.stem, kind, program) for source, programs in zip(sources, built)
                for kind, program in programs.items()]
        names = ["glibc"] + [Path(library).stem for library in libraries[1:]]
        print("| program | " + " | ".join(names) + " |\n|---|" + ":-:|" * len(names))
        lines = {}
        for name, kind, program in rows:
            for which, library in zip(names, libraries):
                verdict, words = judge(program, library)
                language = "C++" if kind == "C++" else "C"
                counts[which, language, verdict] = counts.get((which, language, verdict), 0) + 1
                lines.setdefault(name, {}).setdefault(which, []).append(MARKS[verdict])
                if "--said" in sys.argv:
                    print(f"{which}: {name}, {kind}: {verdict}: {words}", file=sys.stderr)
    for name, marks in lines.items():
        print(f"| {name} | " + " | ".join(" ".join(marks[which]) for which in names) + " |")
    for language in ("C", "C++"):
        total = sum(count for (which, each, _), count in counts.items()
                    if which == "glibc" and each == language)
        cells = [", ".join(f"{counts.get((which, language, verdict), 0)} {verdict}" for verdict in MARKS)
                 for which in names]
        print(f"| {total} programs in {language} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
