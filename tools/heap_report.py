# SPDX-License-Identifier: MIT
"""Tables and plots of what tools/measure_heap.py has measured.

`results` is a dictionary of dictionaries; what was not measured is not there, and shows as "-".
"""
import document
import svg
from heap_host import CALLS, LIFETIMES, SIZES, TRACES

COLUMNS = {"lifo": "lifo 64 B", "small": "mixed small", "medium": "mixed medium",
           "wide": "mixed wide", "pages": "page-aligned", "shift": "size shift",
           "lines": "64-aligned", "news": "new, delete", "sized": "new, sized delete",
           "lognormal-48": "lognormal, median 48", "lognormal-512": "lognormal, median 512",
           "loguniform": "log-uniform, 16 B to 256 KiB"}
TITLES = {
    "bump-spinlock": "bump, spinlock", "bump-no-lock": "bump, no lock (per hart)",
    "tlsf-spinlock": "TLSF, spinlock", "tlsf-no-lock": "TLSF, no lock",
    "first-fit": "classical, first fit", "next-fit": "classical, next fit",
    "best-fit": "classical, best fit", "heap": "Heap",
}
LOOPS = {
    "call-bump-spinlock": "a call of bump, spinlock",
    "call-bump-no-lock": "a call of bump, no lock",
    "typed-heap": "inlined new and delete of 64 bytes",
}
ZBB, PLAIN = "with Zbb", "rv64imac"


def title(name):
    return TITLES.get(name, name)


def number(value, digits=0):
    return "-" if value is None else f"{value:,.{digits}f}"


def get(results, *path):
    for key in path:
        results = (results or {}).get(key)
    return results


# --- tables --------------------------------------------------------------------------------------

def pairs_table(pairs, digits=0):
    columns = [*SIZES, *CALLS]
    rows = [[title(name), *[number(line.get(sizes), digits) for sizes in columns]]
            for name, line in pairs.items()]
    return document.table(["", *[COLUMNS[sizes] for sizes in columns]], rows)


def host_table(results):
    direct = {f"Cairn, called directly: {title(name)}": line
              for name, line in results.get("direct", {}).items()}
    return pairs_table(results["host"] | direct)


def time_table(results):
    rows = [[title(name), *[number(line.get(sizes), 2) for sizes in SIZES],
             *[number(get(results, "threads", name, sizes), 2) for sizes in ("small", "medium")]]
            for name, line in results["time"].items()]
    heads = ["", *[COLUMNS[sizes] for sizes in SIZES], "2 threads, small", "2 threads, medium"]
    return document.table(heads, rows)


def calls(pair):
    return "-" if pair is None else f"{pair[0]:,} / {pair[1]:,}"


def target_table(results):
    rows = []
    for machine, pairs in results["target"].items():
        for name, line in pairs.items():
            # The break frees nothing, and its dearest call is the benchmark's beginning again.
            worst = [None if name.startswith("bump") else get(results, "worst", machine, kind, name)
                     for kind in ("churn", "fill", "aligned")]
            rows.append([f"{title(name)}, {machine}",
                         *[number(line.get(sizes)) for sizes in [*SIZES, *CALLS]],
                         *map(calls, worst)])
    heads = ["", *[COLUMNS[sizes] for sizes in [*SIZES, *CALLS]], "worst malloc / free",
             "the same, filling", "the same, page-aligned"]
    return document.table(heads, rows)


def loops_table(results):
    machines = list(results["loops"])
    names = dict.fromkeys(name for lines in results["loops"].values() for name in lines)
    rows = [[LOOPS.get(name, name), *[number(results["loops"][machine].get(name), 1)
                                      for machine in machines]] for name in names]
    return document.table(["", *machines], rows)


def traces_table(lines, digits, traces):
    rows = [[title(name), *[number(line.get(trace), digits) for trace in traces]]
            for name, line in lines.items()]
    return document.table(["", *[COLUMNS[trace] for trace in traces]], rows)


def size_table(results):
    sizes = results["size"]
    rows = [[f"`{name}.cpp`", *[f"{size:,}" for size in line]] for name, line in sizes.items()]
    total = [f"**{sum(column):,}**" for column in zip(*sizes.values())]
    return document.table(["bytes of code", "in the object file", "in the hypervisor"],
                          [*rows, ["**the default heap**", *total]])


# --- aims ----------------------------------------------------------------------------------------

class Aim:
    """A row of the table of aims: figures, each with what it should be at most (or at least)."""

    def __init__(self, words, aims, figures, elsewhere, at_least=False, digits=0):
        self.words, self.aims, self.figures, self.elsewhere = words, aims, figures, elsewhere
        self.at_least, self.digits = at_least, digits

    def verdict(self, figure, aim):
        if figure is None:
            return "not measured"
        # What is shown is what is judged.
        shown = round(figure, self.digits)
        return "met" if (shown >= aim if self.at_least else shown <= aim) else "**missed**"

    def row(self, results):
        figures = self.figures(results)
        verdicts = [self.verdict(figure, aim) for figure, aim in zip(figures, self.aims)]
        if len(set(verdicts)) == 1:
            verdicts = verdicts[:1]
        sign = ">=" if self.at_least else "<="
        return [self.words, " / ".join(number(figure, self.digits) for figure in figures),
                f"{sign} " + " / ".join(f"{aim:,}" for aim in self.aims), " / ".join(verdicts),
                self.elsewhere]


def _pairs(results, name, sizes, machine=PLAIN):
    return [get(results, "target", machine, name, each) for each in sizes]


def _backing(results):
    pairs = [each for each in _pairs(results, "tlsf-spinlock", SIZES[:4], ZBB) if each is not None]
    worst = [get(results, "worst", ZBB, kind, "tlsf-spinlock") for kind in ("churn", "fill")]
    return [max(pairs, default=None),
            *([None, None] if None in worst else map(max, *worst))]


def _ours(results, key, columns):
    return [get(results, key, "Cairn", column) for column in columns]


def _calls(results):
    lines, plain, sized = _ours(results, "host", CALLS)
    return [lines, None if None in (plain, sized) else sized - plain]


def _size(results):
    sizes = results.get("size", {})
    if "heap_core" not in sizes: # without it there is no heap
        return [None]
    return [sum(linked for _, linked in sizes.values())]


MIXED = ["lifo", "small", "medium", "wide"]
AIMS = [
    Aim("bump, target, instructions per call: spinlock / per hart", [14, 9],
        lambda r: [get(r, "loops", PLAIN, f"call-bump-{lock}") for lock in ("spinlock", "no-lock")],
        "hand-written floor 14 / 9"),
    Aim("heap, target, pair: lifo / small / medium / wide", [48] * 4,
        lambda r: _pairs(r, "heap", MIXED), "free list with checks 59; TLSF 162 to 289"),
    Aim("heap, target, inlined typed new + delete", [12],
        lambda r: [get(r, "loops", PLAIN, "typed-heap")], "-"),
    Aim("heap, host, pair: small / medium / wide / page-aligned", [32, 49, 60, 70],
        lambda r: _ours(r, "host", SIZES[1:]),
        "rpmalloc 34 / 49 / 51; tcmalloc 78 page-aligned"),
    Aim("heap, host, pair: 64-aligned; sized delete beyond plain", [60, 0], _calls, "-"),
    Aim("backing heap alone, spinlock, Zbb: pair, dearest of 4; worst malloc / free, any trace",
        [110, 90, 85], _backing, "TLSF 184 to 289; 175 / 158; o1heap 87 / 82"),
    Aim("utilisation, %: small / medium / wide / size shift / pages", [92, 98.8, 97.8, 78, 97],
        lambda r: [get(r, "fill", "heap", trace) for trace in TRACES],
        "TLSF 87 / 99 / 98 / 75 / 64; buddy 60 / 60 / 70 / 36 / 80", at_least=True, digits=1),
    Aim("2 threads, local churn, over 1 thread: small / medium", [1.1, 1.1],
        lambda r: _ours(r, "threads", ["small", "medium"]), "jemalloc 1.1, snmalloc 1.3",
        digits=2),
    Aim("code size on the target, bytes in the hypervisor", [8192], _size,
        "TLSF 3.3 K, dlmalloc 7.3 K"),
]


def aims_table(results):
    return document.table(["figure", "Cairn", "aim", "", "best measured elsewhere"],
                          [aim.row(results) for aim in AIMS])


# --- plots ---------------------------------------------------------------------------------------

def _series(lines, columns):
    return {title(name): [line.get(column) for column in columns] for name, line in lines.items()}


def plots(results):
    """{file name: SVG}, of what was measured."""
    words = [COLUMNS[sizes] for sizes in SIZES]
    found = {}
    if results.get("host"):
        found["heap_host.svg"] = svg.bar_chart(
            "Host: instructions per pair of malloc and free (logarithmic; dashed: aim)", words,
            _series(results["host"], SIZES), logarithmic=True, aims=[None, 32, 49, 60, 70])
    target = get(results, "target", PLAIN) # as the hypervisor is built
    if target:
        found["heap_target.svg"] = svg.bar_chart(
            "Target: instructions per pair of allocate and free (logarithmic)", words,
            _series(target, SIZES), logarithmic=True)
    if results.get("fill"):
        found["heap_fill.svg"] = svg.bar_chart(
            "Percent of 100 MiB in use when the first request fails (dashed: aim)",
            [COLUMNS[trace] for trace in TRACES], _series(results["fill"], TRACES),
            aims=[92, 98.8, 97.8, 78, 97])
    return found


def parts(results):
    """{part of docs/performance.md: content}, of what was measured."""
    makers = {"heap aims": aims_table, "heap host": host_table, "heap time": time_table,
              "heap target": target_table, "heap loops": loops_table,
              "heap size": size_table,
              "heap fill": lambda r: traces_table(r["fill"], 1, TRACES),
              "heap lifetimes": lambda r: traces_table(r["fill"], 1, LIFETIMES),
              "heap peak": lambda r: traces_table(r["peak"], 2, TRACES)}
    needs = {"heap aims": ("host", "fill", "target"), "heap host": ("host",), "heap time": ("time",),
             "heap target": ("target",), "heap loops": ("loops",), "heap size": ("size",),
             "heap fill": ("fill",), "heap lifetimes": ("fill",), "heap peak": ("peak",)}
    return {name: make(results) for name, make in makers.items()
            if all(results.get(need) is not None for need in needs[name])}
