# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# Packages by their names on Debian 12, Debian 13 and Ubuntu, and how to get the missing ones.
# Sourced. Root is asked for only when something is missing, and only for apt-get itself.
# A package counts as present if dpkg has it, or if the command after the colon is on PATH
# (the file is there).

packages_to_run=(
    python3:/usr/bin/python3
    cmake:cmake
    ninja-build:ninja
    clang-19:clang++-19
    lld-19:ld.lld-19
    llvm-19:llvm-symbolizer-19
    libc++-19-dev
    picolibc-riscv64-unknown-elf
)
packages_to_emulate=(
    QEMU:qemu-system-riscv64
    opensbi:/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin
)
packages_to_fetch=(
    debian-archive-keyring:/usr/share/keyrings/debian-archive-keyring.gpg
    xz-utils:xz
)
packages_for_disk=( # of Debian: made here, checked before each start
    "${packages_to_fetch[@]}"
    e2fsprogs:/usr/sbin/debugfs
    fakeroot:fakeroot
    kmod:/usr/sbin/depmod
    openssh-client:ssh-keygen
)
packages_for_u_boot=( # a boot loader in S-mode: as a guest, or as the firmware that loads cairn.efi
    u-boot-qemu:/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin
)
packages_for_uefi=( # and what makes the volume that it loads it from
    "${packages_for_u_boot[@]}"
    mtools:mcopy
)
package_edk2=qemu-efi-riscv64:/usr/share/qemu-efi-riscv64/RISCV_VIRT_CODE.fd
packages_to_test=(
    git:git
    g++
    perl:perl
    sqlite3:sqlite3
    catch2
    librapidcheck-dev
    libfdt-dev
    cpio:cpio
    device-tree-compiler:dtc
    libclang-rt-19-dev
    clang-format-19:clang-format-19
    clang-tidy-19:clang-tidy-19
    python3-pytest
    python3-pexpect
    python3-jsonschema
    valgrind:valgrind
    gdb-multiarch:gdb-multiarch
)
packages_for_windows=( # Wine is large: 100 MB to fetch, 700 MB installed
    g++-mingw-w64-x86-64-posix:x86_64-w64-mingw32-g++-posix
    wine64:/usr/lib/wine/wine64
)
packages_for_cortex_m=( # headers and libgcc alone; the libraries beside them would be 300 MB more to fetch
    gcc-arm-none-eabi:arm-none-eabi-g++
    libstdc++-arm-none-eabi-dev
    libnewlib-dev
    qemu-system-arm:qemu-system-arm
)
packages_to_measure=( # allocators to compare with
    valgrind:valgrind
    libjemalloc2
    libtcmalloc-minimal4
    'MIMALLOC:/usr/lib/*/libmimalloc.so.?'
)

package_present() {
    local package=${1%%:*} tool=
    [[ $1 != *:* ]] || tool=${1#*:}
    if [[ $tool == /* ]]; then
        compgen -G "$tool" >/dev/null
    elif [ -n "$tool" ] && command -v "$tool" >/dev/null; then
        true
    else
        [[ $(dpkg-query -W -f=' ${db:Status-Status} ' "$package" 2>/dev/null) == *' installed '* ]]
    fi
}

# The candidate is `(none)` if the lists have the name only as somebody's dependency.
apt_knows() { [[ $(LC_ALL=C apt-cache policy "$1" 2>/dev/null) == *'Candidate: '[!\(]* ]]; }

# Names that differ: QEMU for RISC-V is a package of its own since Debian 13, and mimalloc's has its
# version in it.
package_name() {
    case ${1%%:*} in
        QEMU) first_known qemu-system-riscv qemu-system-misc ;;
        MIMALLOC) first_known libmimalloc3 libmimalloc2.1 libmimalloc2.0 ;;
        *) echo "${1%%:*}" ;;
    esac
}

# The last one stands for all where none is known.
first_known() {
    while [ $# -gt 1 ] && ! apt_knows "$1"; do shift; done
    echo "$1"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif ! command -v sudo >/dev/null; then
        die 'packages are missing, and only root may install them.' "As root: $*"
    elif [ -t 0 ]; then
        sudo "$@"
    else # nobody is there to type a password
        sudo -n "$@" || die 'packages are missing, and sudo wants a password.' "As root: $*"
    fi
}

run_apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Use-Pty=0 "$@" >&2
}

update_lists_for() {
    local package
    for package; do
        apt_knows "$package" && continue
        say 'The package lists are missing or old: updating them.'
        run_apt_get update || say 'apt-get update reported errors; going on with what there is.'
        return
    done
}

# require_packages WHY ENTRY...: installs what is missing of the entries (package[:command]).
require_packages() {
    local why=$1 entry missing=() names=()
    shift
    for entry; do
        package_present "$entry" || missing+=("$entry")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "missing $why: ${missing[*]%%:*}" \
        'This is no Debian or Ubuntu: install the equivalents by hand.'
    # Lists first: the name of QEMU's package depends on them.
    for entry in "${missing[@]}"; do names+=("$(package_name "$entry")"); done
    update_lists_for "${names[@]}"
    names=()
    for entry in "${missing[@]}"; do
        names+=("$(package_name "$entry")")
        apt_knows "${names[-1]}" || die "apt knows no package ${names[-1]}, needed $why." \
            'Debian 12 or later is needed; see: cat /etc/os-release; apt-get update'
    done
    say "Installing $why (as root, by apt-get): ${names[*]}"
    run_apt_get install -y --no-install-recommends "${names[@]}" </dev/null ||
        die "could not install: ${names[*]}" 'See what apt-get said above.'
}
