# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Building by CMake preset, with one line of progress and the whole log if it fails. Sourced.

configure_preset() {
    quietly "$root/build/$1-configure.log" cmake -S "$root" --preset "$1" ||
        die "cmake --preset $1 failed (see above)."
}

# build_preset PRESET [TARGET...]
build_preset() {
    local preset=$1 args=() target
    shift
    for target; do args+=(--target "$target"); done
    configure_preset "$preset"
    # Ninja rewrites one line on a terminal; elsewhere a line per file would bury the rest.
    [ -t 2 ] || args+=(-- --quiet)
    (cd "$root" && cmake --build --preset "$preset" -j "$(nproc)" "${args[@]}") >&2 ||
        die "building the preset '$preset' failed (see above)."
}
