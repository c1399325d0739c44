# SPDX-License-Identifier: MIT
"""Real programs with libcairn_malloc.so, or the hardened one, as their malloc: what they say and
write is byte for byte what they say and write without it, and each of them did use it."""
import pytest


def test_git(bench):
    names = [f"file{i}" for i in range(200)]
    files = {name: "".join(f"{name} {i * i}\n" for i in range(100)) for name in names}
    change = "for f in file*; do echo more >> $f; done"
    bench.compare(["git", "init", "-q", "-b", "main"], ["git", "add", "."],
                  ["git", "commit", "-q", "-m", "First"], ["sh", "-c", change],
                  ["git", "diff", "--stat"], ["git", "commit", "-q", "-a", "-m", "Second"],
                  ["git", "log", "-p"], ["git", "-c", "pack.threads=2", "gc", "-q"],
                  ["git", "fsck", "--full", "--no-progress"], ["git", "status"],
                  files=files, ignored=r"\.git/index", users={"git"})


PYTHON = """
import collections, json, re, zlib
words = {f"key{i}": [i, str(i * 7), {"a": i % 13}] for i in range(40_000)}
text = json.dumps(words, indent=1)
again = json.loads(text)
assert again == words
found = re.findall(r'"(key\\d*7)": \\[\\s+(\\d+)', text)
print(len(text), len(found), zlib.crc32(text.encode()))
del words
print(collections.Counter(len(name) for name, _ in found))
print(sorted(again.items(), key=lambda item: item[1][1])[:5])
grown = bytearray()
for i in range(3000):
    grown += bytes([i % 256]) * 1000
print(zlib.crc32(bytes(grown)), len(set("".join(map(str, range(10_000))))))
"""


@pytest.mark.parametrize("source", ["pymalloc", "malloc"])
def test_python(bench, source):
    bench.compare(["env", f"PYTHONMALLOC={source}", "/usr/bin/python3", "-c", PYTHON],
                  users={"python3"})


CXX = r"""
#include <algorithm>
#include <map>
#include <print.hpp>
int main() {
    std::map<std::string, std::vector<int>> words;
    for (int i = 0; i < 1000; ++i) words[std::to_string(i % 97)].push_back(i);
    for (auto& [word, numbers] : words) print(word, *std::max_element(numbers.begin(), numbers.end()));
    return 0;
}
"""
PRINT = r"""
#include <cstdio>
#include <string>
#include <vector>
inline void print(const std::string& a, int b) { std::printf("%s %d\n", a.c_str(), b); }
"""


def test_gcc(bench):
    bench.compare(["g++", "-O2", "-Wall", "-I.", "-c", "a.cpp", "-o", "a.o"],
                  ["g++", "a.o", "-o", "a"], ["./a"], ["gcc", "-E", "-I.", "-x", "c++", "a.cpp"],
                  files={"a.cpp": CXX, "print.hpp": PRINT},
                  users={"g++", "gcc", "cc1plus", "as", "ld", "a"})


CMAKE = """
cmake_minimum_required(VERSION 3.20)
project(example LANGUAGES NONE)
foreach(i RANGE 2000)
    string(APPEND text "value ${i};")
    set(variable_${i} "${text}")
endforeach()
string(REGEX MATCHALL "[0-9]*7" found "${text}")
list(LENGTH found count)
list(SORT found)
message(STATUS "${count} of them: ${found}")
configure_file(in.txt out.txt)
add_custom_target(all_of_it ALL COMMAND ${CMAKE_COMMAND} -E echo done)
"""


def test_cmake(bench):
    # Newer ones say how long it took.
    quiet = "cmake -G 'Unix Makefiles' -S . -B build | sed 's/ ([0-9.]*s)$//'"
    bench.compare(["sh", "-c", quiet], files={"CMakeLists.txt": CMAKE, "in.txt": "@count@ @found@\n"},
                  users={"cmake"})


SQL = """
create table t (id integer primary key, name text, size real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 30000)
    insert into t select i, 'name' || (i * 7919 % 30011), i * 0.5 from n;
create index by_name on t (name);
select count(*), sum(size), min(name), max(name) from t;
select * from t where name like 'name12%' order by size desc limit 20;
select a.name, b.size from t a join t b on a.id = b.id + 1 where a.name > 'name9999' limit 10;
delete from t where id % 3 = 0;
update t set name = name || '!' where id % 5 = 0;
vacuum;
select count(*), group_concat(name) from (select name from t where id % 50 = 1);
pragma integrity_check;
"""


def test_sqlite(bench):
    bench.compare(["sqlite3", "a.db", ".read in.sql"], files={"in.sql": SQL}, users={"sqlite3"})


PERL = r"""
use strict; use warnings;
my %words; my $text = "";
for my $i (1 .. 60000) { my $w = "w" . ($i * 7919 % 6007); $words{$w}++; $text .= "$w "; }
my @sorted = sort { $words{$b} <=> $words{$a} || $a cmp $b } keys %words;
print "$_ $words{$_}\n" for @sorted[0 .. 20];
my $count = () = $text =~ /w(\d*)7\b/g;
(my $changed = $text) =~ s/w(\d+)/<$1>/g;
print "$count ", length($changed), "\n";
my @lists = map { [ map { { value => $_ } } 1 .. 50 ] } 1 .. 500;
my $sum = 0; for my $l (@lists) { $sum += $_->{value} for @$l } print "$sum\n";
"""


def test_perl(bench):
    bench.compare(["perl", "-e", PERL], users={"perl"})
