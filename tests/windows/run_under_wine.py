#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs a console program under Wine: no display, no prompts, nothing left behind.

Usage: run_under_wine.py WINE PROGRAM [ARGUMENT...]

Wine keeps a Windows system in a folder, its prefix. A whole one is 700 MB of copies and takes ten
seconds to make, with a dozen services that run on for a while. A console program needs four
libraries of it, which Wine also takes from a folder of links; only if it starts nothing that way,
a whole one is made.
"""
import glob
import os
import subprocess
import sys
import tempfile
from pathlib import Path

# Where distributions have Wine's own libraries.
LIBRARIES = ["/usr/lib/*/wine/x86_64-windows", "/usr/lib*/wine/x86_64-windows",
             "/opt/wine*/lib*/wine/x86_64-windows"]
NEEDED = ["ntdll.dll", "kernel32.dll", "kernelbase.dll", "msvcrt.dll", "ucrtbase.dll"]
SECONDS = 120


def make_small(prefix):
    """Makes a prefix of links; Wine is told not to bring it up to date, that is to complete it."""
    system = prefix / "drive_c/windows/system32"
    system.mkdir(parents=True)
    (prefix / ".update-timestamp").write_text("disable\n")
    for folder in (Path(name) for pattern in LIBRARIES for name in glob.glob(pattern)):
        for name in NEEDED:
            if (folder / name).is_file() and not (system / name).is_symlink():
                (system / name).symlink_to(folder / name)


def environment(prefix):
    kept = {name: value for name, value in os.environ.items()
            if name not in ("DISPLAY", "WAYLAND_DISPLAY", "WINEARCH", "WINEPATH")}
    return {**kept, "WINEPREFIX": str(prefix), "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree,mshtml="} # no prompt to download these


def wine_server(wine):
    """The program that can end what Wine has left running in a prefix."""
    folder = Path(wine).resolve().parent
    for name in (folder / "wineserver64", folder / "wineserver", "/usr/lib/wine/wineserver64",
                 "/usr/lib/wine/wineserver", "/usr/bin/wineserver"):
        if os.access(name, os.X_OK):
            return str(name)
    return None


def run(wine, command, prefix):
    """The exit status, what the program printed, and what Wine said."""
    try:
        done = subprocess.run([wine, *command], env=environment(prefix), timeout=SECONDS,
                              check=False, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, capture_output=True)
        return done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as expired:
        return 1, (expired.stdout or b"").decode(errors="replace"), f"not done in {SECONDS} s"
    finally:
        server = wine_server(wine)
        for option in ("-k", "-w") if server else ():
            subprocess.run([server, option], env=environment(prefix), timeout=SECONDS, check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main():
    wine, *command = sys.argv[1:]
    for small in (True, False):
        with tempfile.TemporaryDirectory(prefix="wine-", dir=Path(command[0]).resolve().parent,
                                         ignore_cleanup_errors=True) as name:
            if small:
                make_small(Path(name))
            status, printed, said = run(wine, command, Path(name))
        print(printed + said, flush=True)
        if printed:
            sys.exit(status)
    sys.exit(f"Wine does not start {command[0]}: status {status}")


if __name__ == "__main__":
    main()
