#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Fetches the Debian 13 guest: its riscv64 kernel and busybox, as .cache/guest/Image and
# .cache/guest/initramfs.cpio.gz, and its drivers of virtio's devices as modules.cpio.gz, by debian_apt.sh.
# What has been fetched stays; a package that was cut off goes on where it ended if the mirror lets apt
# do that, and starts again if not. Usage: fetch_debian.sh [--mirror URL]
set -euo pipefail
# shellcheck source=tools/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=tools/debian_apt.sh
. "$root/tools/debian_apt.sh"

guest=$cache/guest

# A meta package depends on the kernel of the day: linux-image-6.12.x-riscv64.
kernel_package() {
    private_apt apt-cache depends linux-image-riscv64 |
        awk '/Depends: linux-image-/ && !seen++ { print $2 }'
}

download() {
    say "Fetching Debian's riscv64 packages from $1 (about 120 MB, once)."
    write_apt_configuration "$1"
    private_apt apt-get "${progress[@]}" update >&2 || return 1
    kernel=$(kernel_package)
    [ -n "$kernel" ] || return 1
    rm -f "$apt"/packages/busybox-static_*.deb # a version that has since been replaced
    private_apt apt-get "${progress[@]}" download "$kernel" busybox-static >&2
}

# extract DEB PATTERN FILE: one file of a package, under its final name only when it is complete.
extract() {
    dpkg-deb --fsys-tarfile "$1" | tar -xO --wildcards "$2" >"$3.partial"
    [ -s "$3.partial" ] || return 1
    mv "$3.partial" "$3"
}

# shellcheck disable=SC2012 # apt's file names hold nothing odd
newest() { ls -t "$@" | awk 'NR == 1'; }

unpack_modules() {
    dpkg-deb --fsys-tarfile "$1" | "$python" "$root/tools/make_modules.py" --output "$guest/modules.cpio.gz" &&
        module_names >"$guest/modules.names"
}

unpack() {
    extract "$(newest "$apt"/packages/"${kernel}"_*.deb)" './boot/vmlinu*' "$guest/Image" &&
        extract "$(newest "$apt"/packages/busybox-static_*.deb)" '*/bin/busybox' "$guest/busybox" &&
        unpack_modules "$(newest "$apt"/packages/"${kernel}"_*.deb)" &&
        rm -f "$apt"/packages/*.deb # what they were fetched for is out of them
}

module_names() { "$python" "$root/tools/make_modules.py" --names; }

# Older ones hold other modules.
modules_are_current() {
    [ -s "$guest/modules.cpio.gz" ] && [ "$(cat "$guest/modules.names" 2>/dev/null)" = "$(module_names)" ]
}

initramfs_is_current() {
    local source
    for source in "$guest/busybox" "$root"/tools/{make_initramfs.py,newc.py} "$root"/tools/guest/*; do
        [ "$guest/initramfs.cpio.gz" -nt "$source" ] || return 1
    done
}

main() {
    local mirror=
    if [ $# -gt 0 ]; then
        [ "$*" = "--mirror ${2-}" ] || die "unknown: $*" 'Usage: fetch_debian.sh [--mirror URL]'
        mirror=$2
    fi
    mkdir -p "$guest"
    exec 8>"$guest/lock"
    flock 8 # whoever has it leaves nothing to do
    if [ ! -s "$guest/Image" ] || [ ! -s "$guest/busybox" ] || ! modules_are_current; then
        mirror=$(choose_mirror "$mirror")
        download "$mirror" ||
            die "could not fetch linux-image-riscv64 and busybox-static ($release) from $mirror." \
            'Is the network up? Another mirror: --mirror http://HOST/debian'
        unpack || die 'the downloaded packages do not hold what was expected.' "Look into $apt/packages"
    fi
    initramfs_is_current || "$python" "$root/tools/make_initramfs.py" --busybox "$guest/busybox" \
        --files "$root/tools/guest" --output "$guest/initramfs.cpio.gz"
}

main "$@"
