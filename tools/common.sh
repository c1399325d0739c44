# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# What every script here shares: where the tree is, and how to talk. Sourced, never run.
# All talk goes to stderr: stdout belongs to what was asked for (a command, a console, a list).

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=$root/.cache
# The tools need nothing but the standard library; a python3 of the user's own may lack even that.
python=/usr/bin/python3

say() { printf '%s\n' "$*" >&2; }

# die SENTENCE [HINT]: the second line says what would be right.
die() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    [ $# -lt 2 ] || printf '  %s\n' "$2" >&2
    exit 2
}

# quietly LOG COMMAND...: shows the command's output only if it fails.
quietly() {
    local log=$1 status=0
    shift
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 </dev/null || status=$?
    [ $status -eq 0 ] || cat "$log" >&2
    return $status
}
