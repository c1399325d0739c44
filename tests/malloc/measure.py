#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints the table of docs/malloc.md: programs on glibc's malloc and on libcairn_malloc.so.

    cmake --preset release && cmake --build --preset release --target cairn_malloc
    tests/malloc/measure.py build/release/lib/cairn/malloc/libcairn_malloc.so

Processor time is the least of several runs, memory the peak of what was resident.
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 5
CXX = r"""
#include <algorithm>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <unordered_map>
#include <vector>
int main() {
    std::map<std::string, std::vector<int>> words;
    std::unordered_map<int, std::string> names;
    for (int i = 0; i < 1000; ++i) words[names[i] = std::to_string(i)].push_back(i);
    std::cout << std::regex_match(names[7], std::regex("a.*b|[0-9]+")) << words.size() << '\n';
}
"""
PYTHON = """
import json, re
words = {f"key{i}": [i, str(i * 7), {"a": i % 13}] for i in range(300_000)}
text = json.dumps(words)
assert json.loads(text) == words
print(len(text), len(re.findall(r"key(\\d+)7\\b", text)))
"""
PERL = r"""
my %words; my $text = "";
for my $i (1 .. 400000) { my $w = "w" . ($i * 7919 % 60007); $words{$w}++; $text .= "$w "; }
(my $changed = $text) =~ s/w(\d+)/<$1>/g;
my @lists = map { [ map { { value => $_ } } 1 .. 50 ] } 1 .. 2000;
print length($changed), " ", scalar(keys %words), " ", scalar(@lists), "\n";
"""
SQL = """
create table t (id integer primary key, name text, size real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 200000)
    insert into t select i, 'name' || (i * 7919 % 200003), i * 0.5 from n;
create index by_name on t (name);
select count(*), sum(size), group_concat(name) from t where name > 'name5';
"""
PROGRAMS = {
    "g++ -O2 -c": ["g++", "-O2", "-c", "a.cpp", "-o", "a.o"],
    "python3: json, re, dict": ["/usr/bin/python3", "-c", PYTHON],
    "the same, PYTHONMALLOC=malloc": ["env", "PYTHONMALLOC=malloc", "/usr/bin/python3", "-c", PYTHON],
    "perl: hash, regex, lists": ["perl", "-e", PERL],
    "sqlite3: insert, index, select": ["sqlite3", ":memory:", SQL],
}


def run(command, folder, library):
    """(processor seconds, peak MiB), with the children."""
    environment = dict(os.environ, PYTHONHASHSEED="0", PERL_HASH_SEED="0")
    if library:
        environment["LD_PRELOAD"] = library
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
    if status != 0:
        sys.exit(f"{command[0]} failed with status {status}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    library = str(Path(sys.argv[1]).resolve(strict=True))
    print("| program | glibc | Cairn | glibc's peak | Cairn's peak |\n|---|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.cpp").write_text(CXX)
        for name, command in PROGRAMS.items():
            runs = {"": [], library: []}
            for _ in range(ROUNDS):
                for each, results in runs.items():
                    results.append(run(command, folder, each))
            times = [f"{min(time for time, _ in each):.2f} s" for each in runs.values()]
            peaks = [f"{max(peak for _, peak in each):.0f} MiB" for each in runs.values()]
            print("|", " | ".join([name, *times, *peaks]), "|", flush=True)


if __name__ == "__main__":
    main()
