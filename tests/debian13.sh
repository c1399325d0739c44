#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the test suite inside a Debian 13 folder: QEMU 10, OpenSBI 1.6, Catch2 3. The folder is made
# by debootstrap once, in .cache/debian13, and keeps its packages and builds between runs.
# Needs root, for chroot. Usage: debian13.sh [--mirror URL] [-- OPTION-OF-tests/run.sh...]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/common.sh
. "$here/../tools/common.sh"
# shellcheck source=tools/packages.sh
. "$root/tools/packages.sh"

folder=$cache/debian13
tree=$folder/cairn
mounted=()

mount_at() {
    local target=$1
    shift
    mkdir -p "$target"
    mount "$@" "$target"
    mounted=("$target" ${mounted[@]+"${mounted[@]}"})
}

# shellcheck disable=SC2317 # called by trap
# Innermost first; nothing may stay mounted below a folder that somebody may delete.
unmount_all() {
    local target
    for target in ${mounted[@]+"${mounted[@]}"}; do
        umount "$target" || umount --lazy "$target"
    done
}

make_folder() {
    [ ! -e "$folder/.complete" ] || return 0
    require_packages 'to make a Debian 13 folder' debootstrap:debootstrap \
        debian-archive-keyring:/usr/share/keyrings/debian-archive-keyring.gpg
    local mirror=$1
    [ -n "$mirror" ] || mirror=$("$python" "$root/tools/debian_mirror.py") ||
        die 'this machine names no Debian mirror.' 'Give one: --mirror http://HOST/debian'
    say "Making a Debian 13 folder from $mirror (a few minutes, once): $folder"
    rm -rf --one-file-system "$folder"
    mkdir -p "$folder"
    quietly "$cache/debootstrap.log" debootstrap --variant=minbase \
        --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
        --include=ca-certificates trixie "$folder" "$mirror" ||
        die 'debootstrap failed (see above).'
    touch "$folder/.complete"
}

# Sources anew, with their times, so that the builds kept there redo only what has changed.
copy_tree() {
    mkdir -p "$tree/.cache"
    find "$tree" -mindepth 1 -maxdepth 1 ! -name build ! -name .cache -exec rm -rf {} +
    (cd "$root" && tar -c --exclude=./build --exclude=./.cache --exclude=./.git .) | tar -x -C "$tree"
    [ ! -d "$cache/guest" ] || cp -a --update "$cache/guest" "$tree/.cache/"
}

mount_system() {
    trap unmount_all EXIT
    mount_at "$folder/proc" -t proc proc
    mount_at "$folder/dev/pts" -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts
    ln -sf pts/ptmx "$folder/dev/ptmx"
    mount_at "$folder/dev/shm" -t tmpfs tmpfs
    cp /etc/resolv.conf "$folder/etc/resolv.conf"
}

main() {
    local mirror=
    if [ "${1-}" = --mirror ]; then
        mirror=$2
        shift 2
    fi
    [ "${1-}" != -- ] || shift
    [ "$(id -u)" -eq 0 ] || die 'a Debian 13 folder needs root (chroot).' 'sudo ./tests/run.sh --debian13'
    mkdir -p "$cache"
    exec 9>"$cache/debian13.lock"
    flock --nonblock 9 || die 'another run uses the Debian 13 folder.' 'Wait for it to end.'
    make_folder "$mirror"
    copy_tree
    mount_system
    local status=0
    chroot "$folder" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root \
        TERM="${TERM-dumb}" /cairn/tests/run.sh ${mirror:+--mirror "$mirror"} "$@" || status=$?
    exit $status
}

main "$@"
