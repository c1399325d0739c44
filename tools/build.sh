# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Building by CMake preset, with one line of progress and the whole log if it fails. Sourced.

configure_preset() {
    local fresh=() # CMake takes flags from a toolchain file only once
    [ "$root/build/$1/CMakeCache.txt" -nt "$root/tools/cmake/riscv64-elf.cmake" ] || fresh=(--fresh)
    quietly "$root/build/$1-configure.log" cmake -S "$root" --preset "$1" "${fresh[@]}" ||
        die "cmake --preset $1 failed (see above)."
}

# build_preset PRESET [TARGET...]
build_preset() {
    local preset=$1 args=() target
    shift
    for target; do args+=(--target "$target"); done
    configure_preset "$preset"
    args=("$root/build/$preset" -j "$(nproc)" "${args[@]}") # where the preset has put it
    # Ninja rewrites one line on a terminal; elsewhere a line per file would bury the rest.
    if [ -t 2 ]; then
        cmake --build "${args[@]}" >&2
    else
        quietly "$root/build/$preset-build.log" cmake --build "${args[@]}"
    fi || die "building the preset '$preset' failed (see above)."
}
