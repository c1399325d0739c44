#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what the tests need, builds, and runs everything through CTest.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/common.sh
. "$here/../tools/common.sh"
# shellcheck source=tools/packages.sh
. "$root/tools/packages.sh"
# shellcheck source=tools/build.sh
. "$root/tools/build.sh"

usage() {
    cat <<'END'
Usage: ./tests/run.sh [OPTION]... [-- CTEST-OPTION...]

  -L, --label LABEL   only tests with this label:
                        unit   host tests under ASan and UBSan    tsan   locks under ThreadSanitizer
                        fuzz   fuzzers, a fixed number of inputs  qemu   the serial console in QEMU
                        check  layering, format, sizes, names     tools  run.sh and tools/
                        package  the library, installed and used by other projects
                        windows  the library on Windows, under Wine
                        gcc    the library and its unit tests, with GCC
  -R, --regex REGEX   only tests whose names match
      --list          list the tests instead of running them
      --long          also run every fuzzer for 10 minutes (--long=SECONDS), keeping what it finds
      --debian13      run the suite inside a Debian 13 folder (needs root; made once, in .cache)
      --mirror URL    Debian mirror for guests and Debian 13 (default: as in apt's sources)
      --help          this text

As in: ./tests/run.sh -L qemu -R debian
END
}

# --- options ------------------------------------------------------------------------------------

label='' regex='' long='' mirror='' list=no debian13=no
selection=() ctest_options=()
all_presets=(target host tsan fuzz windows gcc)

parse() {
    while [ $# -gt 0 ]; do
        case $1 in
            --help | -h) usage && exit 0 ;;
            --list) list=yes ;;
            --long) long=600 ;;
            --long=*) long=${1#*=} ;;
            --debian13) debian13=yes ;;
            --) ctest_options=("${@:2}") && return ;;
            -L | --label | -R | --regex | --mirror)
                [ $# -gt 1 ] || die "$1 wants a value." 'See ./tests/run.sh --help'
                set_option "$1" "$2"
                shift
                ;;
            *) die "unknown option '$1'." 'See ./tests/run.sh --help. Options of ctest go after --' ;;
        esac
        shift
    done
}

set_option() {
    case $1 in
        -L | --label) label=$2 && selection+=(-L "^$2\$") ;;
        -R | --regex) regex=$2 && selection+=(-R "$2") ;;
        --mirror) mirror=$2 ;;
    esac
}

# --- building -----------------------------------------------------------------------------------

# What a label needs; presets after `configure` are only configured.
presets_of_label() {
    case $1 in
        '') echo "${all_presets[@]}" ;;
        unit) echo host ;;
        tsan) echo tsan ;;
        fuzz) echo fuzz ;;
        qemu | tools | package) echo target configure host ;;
        check) echo host ;;
        windows) echo windows ;;
        gcc) echo gcc ;;
        *) die "no label '$1'." 'Labels: unit tsan fuzz qemu check tools package windows gcc' ;;
    esac
}

build_for() {
    local preset only_configure=no
    for preset; do
        if [ "$preset" = configure ]; then
            only_configure=yes
        elif [ $only_configure = yes ]; then
            say "Configuring $preset"
            configure_preset "$preset"
        else
            say "Building $preset"
            build_preset "$preset"
        fi
    done
}

fetch_guest() {
    "$root/tools/fetch_debian.sh" ${mirror:+--mirror "$mirror"} ||
        say "The tests that need Debian's kernel will fail."
}

# --- running ------------------------------------------------------------------------------------

# One CTest run over all build trees: a test file that only names them.
collect() {
    local preset
    mkdir -p "$root/build/all"
    for preset in "${all_presets[@]}"; do
        [ ! -e "$root/build/$preset/CTestTestfile.cmake" ] || echo "subdirs(\"../$preset\")"
    done >"$root/build/all/CTestTestfile.cmake"
}

run_ctest() {
    ctest --test-dir "$root/build/all" --output-on-failure --no-tests=error \
        -j "$(nproc)" "${selection[@]}" "${ctest_options[@]}" "$@"
}

# The last line says it in two numbers, from CTest's own `N% tests passed, F tests failed out of T`.
summarize() {
    local counts
    counts=$(sed -n 's/.*tests passed, \([0-9]*\) tests\{0,1\} failed out of \([0-9]*\).*/\1 \2/p' "$1")
    [ -n "$counts" ] || die 'ctest ran no tests (see above).' 'See ./tests/run.sh --list'
    echo "$((${counts#* } - ${counts% *})) passed, ${counts% *} failed"
}

run_tests() {
    local status=0
    run_ctest </dev/null | tee "$root/build/all/ctest.log" || status=$?
    [ -z "$long" ] || fuzz_long || status=1
    summarize "$root/build/all/ctest.log"
    exit $status
}

fuzz_long() {
    local fuzzer name status=0
    for fuzzer in "$root"/build/fuzz/tests/fuzz/*_fuzz; do
        name=$(basename "$fuzzer")
        say "Fuzzing for $long s: $name"
        mkdir -p "$cache/fuzz/$name/corpus"
        (cd "$cache/fuzz/$name" && quietly "$root/build/fuzz/$name.log" "$fuzzer" corpus \
            "-max_total_time=$long" -max_len=4096 -rss_limit_mb=2048) || status=1
    done
    return $status
}

main() {
    parse "$@"
    if [ $debian13 = yes ]; then
        exec "$here/debian13.sh" ${mirror:+--mirror "$mirror"} -- \
            ${label:+-L "$label"} ${regex:+-R "$regex"} ${long:+"--long=$long"} \
            -- "${ctest_options[@]}"
    fi
    local presets packages=()
    presets=$(presets_of_label "$label")
    [[ -z $long || $presets == *fuzz* ]] || presets+=' fuzz'
    [[ $presets != *windows* ]] || packages=("${packages_for_windows[@]}")
    [[ $label != '' && $label != package ]] || packages+=("${packages_for_cortex_m[@]}")
    require_packages 'to build, run and test Cairn' "${packages_to_run[@]}" \
        "${packages_to_emulate[@]}" "${packages_for_uefi[@]}" "${packages_to_fetch[@]}" \
        "${packages_to_test[@]}" "${packages[@]}"
    # EDK2 for RISC-V is a package since Debian 13; without it its tests are skipped.
    ! apt_knows "${package_edk2%%:*}" || require_packages 'to test with EDK2' "$package_edk2"
    # shellcheck disable=SC2086 # a list of words
    build_for $presets
    collect
    if [ $list = yes ]; then
        run_ctest -N
        return
    fi
    [[ $label != '' && $label != qemu ]] || fetch_guest
    run_tests
}

main "$@"
