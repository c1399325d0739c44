# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Building by CMake preset, with one line of progress and the whole log if it fails. Sourced.

# build_preset PRESET [TARGET...]
build_preset() {
    local preset=$1 args=() target
    shift
    for target; do args+=(--target "$target"); done
    quietly "$root/build/$preset-configure.log" \
        cmake -S "$root" --preset "$preset" || die "cmake --preset $preset failed (see above)."
    # Ninja rewrites one line on a terminal; elsewhere a line per file would bury the rest.
    [ -t 2 ] || args+=(-- --quiet)
    (cd "$root" && cmake --build --preset "$preset" -j "$(nproc)" "${args[@]}") >&2 ||
        die "building the preset '$preset' failed (see above)."
}
