#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Makes a disk with Debian 13 for riscv64, unless the file is there, checks it, and takes its kernel and initial RAM
# disk out of it, as FILE.kernel and FILE.initrd. A disk has one partition, whose table tools/partition_disk.py writes;
# boot loaders find /boot/extlinux/extlinux.conf there. Each step leaves one file of .cache/debian under its final name,
# and is done once; one that is interrupted goes on at the next start, or begins again:
#
#   packages, by apt ─► second-stage.img, unpacked ─► base.img, configured by a guest of Cairn's ─► FILE, a copy
#
# No program of the packages runs on this machine.
set -euo pipefail
# shellcheck source=tools/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=tools/debian_apt.sh
. "$root/tools/debian_apt.sh"

PATH=$PATH:/usr/sbin:/sbin # e2fsprogs and depmod are there, and only root has that on PATH
folder=$cache/debian
keys=$folder/ssh
usage='Usage: debian_disk.sh [--mirror=URL] [--disk-size=SIZE] [--fresh] [FILE]'
size_of_base=2048 # MiB, of which the partition has all but the first
begin=1048576 # of the partition, in bytes
partition="?offset=$begin" # behind an image's name: where e2fsprogs find its file system
# With what is required in every Debian: enough to start, to log in on the console and by ssh, and to install more.
wanted=('?priority(required)' apt systemd-sysv linux-image-riscv64 initramfs-tools zstd busybox-static e2fsprogs
    openssh-server ifupdown dhcpcd-base iproute2 u-boot-menu)

# need_space MIB WHAT
need_space() {
    local free
    free=$(df --output=avail -B 1M "$folder" | tail -n 1)
    [ "$free" -ge "$1" ] ||
        die "$folder has ${free// /} MiB of free space, and $2 takes up to $1 MiB." 'Free some, and start again.'
}

# --- packages -------------------------------------------------------------------------------------

# The files of all packages to install, as apt names them.
package_files() {
    private_apt apt-get -qq -s install "${wanted[@]}" | awk -v folder="$apt/cache/archives/" '
        /^Inst / {
            match($0, /\[[a-z0-9]+\]/)
            version = substr($3, 2)
            gsub(":", "%3a", version)
            print folder $2 "_" version "_" substr($0, RSTART + 1, RLENGTH - 2) ".deb"
        }'
}

fetch_packages() {
    local mirror
    mirror=$(choose_mirror "$1")
    need_space 2048 'a new disk'
    say "Making a Debian disk, once. Fetching its packages from $mirror (about 160 MB)."
    write_apt_configuration "$mirror"
    if ! private_apt apt-get ${progress[@]+"${progress[@]}"} update >&2 ||
        ! private_apt apt-get ${progress[@]+"${progress[@]}"} -y --download-only install "${wanted[@]}" >&2; then
        die "could not fetch Debian's packages ($release) from $mirror." \
            'What has come stays; start again to go on. Another mirror: --mirror http://HOST/debian'
    fi
}

# --- the first stage ------------------------------------------------------------------------------

make_keys() {
    mkdir -p "$keys"
    [ -s "$keys/id_ed25519.pub" ] || ssh-keygen -q -t ed25519 -N '' -C cairn -f "$keys/id_ed25519"
    cat >"$keys/config" <<END
Host cairn
    HostName 127.0.0.1
    Port 2222
    User root
    IdentityFile "$keys/id_ed25519"
    IdentitiesOnly yes
    UserKnownHostsFile "$keys/known_hosts"
    HostKeyAlias cairn
END
}

# The guest's own keys are made here as well: this machine is faster, and knows the guest from the first time.
add_keys() {
    install -d -m 700 "$1/root/.ssh"
    install -m 600 "$keys/id_ed25519.pub" "$1/root/.ssh/authorized_keys"
    mkdir -p "$1/etc/ssh"
    ssh-keygen -A -f "$1" >/dev/null
    echo "cairn $(cut -d ' ' -f 1,2 "$1/etc/ssh/ssh_host_ed25519_key.pub")" >"$keys/known_hosts"
}

add_sources() {
    cat >"$1/etc/apt/sources.list.d/debian.sources" <<END
Types: deb
URIs: $(awk '{ print $4 }' "$apt/etc/sources.list")
Suites: $release $release-updates
Components: main
Signed-By: $keyring

Types: deb
URIs: http://security.debian.org/debian-security
Suites: $release-security
Components: main
Signed-By: $keyring
END
}

add_files() {
    local file mode
    while IFS= read -r file; do
        mode=644
        [ ! -x "$root/tools/debian/$file" ] || mode=755
        install -D -m $mode "$root/tools/debian/$file" "$1/$file"
    done < <(cd "$root/tools/debian" && find . -type f)
    add_sources "$1"
    add_keys "$1"
}

show_unpacking() {
    local number all name
    while read -r number all name; do
        [ ! -t 2 ] || printf '\r\033[K  package %s of %s: %s' "$number" "$all" "$name" >&2
    done
    [ ! -t 2 ] || echo >&2
}

# As root, or below fakeroot: files on the disk are root's. Modules' dependencies take a guest minutes.
unpack() {
    local new=$folder/root version
    umask 022
    "$root/tools/debian_root.py" --output "$new" "$@" | show_unpacking
    add_files "$new"
    version=$(basename "$new"/usr/lib/modules/*)
    depmod -b "$new" "$version"
    cp "$new"/boot/vmlinu[xz]-"$version" "$folder/second-stage.kernel"
    "$root/tools/debian_initrd.py" --root "$new" --output "$folder/second-stage.initrd"
    truncate -s ${size_of_base}M "$folder/second-stage.partial"
    "$root/tools/partition_disk.py" "$folder/second-stage.partial"
    mke2fs -q -t ext4 -L debian -d "$new" -E offset=$begin "$folder/second-stage.partial" $((size_of_base - 1))M >/dev/null
}

first_stage() {
    local files as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(fakeroot --)
    make_keys
    mapfile -t files < <(package_files)
    say "Unpacking ${#files[@]} packages."
    rm -rf --one-file-system "$folder/root" "$folder/second-stage.partial"
    ${as_root[@]+"${as_root[@]}"} "$root/tools/debian_disk.sh" --unpack "${files[@]}" ||
        die 'the packages could not be unpacked (see above).' \
            "If one is damaged: rm -r $apt/cache/archives, and start again."
    rm -rf --one-file-system "$folder/root"
    mv "$folder/second-stage.partial" "$folder/second-stage.img"
}

# --- the second stage -----------------------------------------------------------------------------

# field IMAGE NAME: of the superblock, or of the journal's.
field() { dumpe2fs -h "$1$partition" 2>/dev/null | sed -n "s/^$2: *//p"; }

# Writes what the journal holds. e2fsck does so, and then looks for the superblock where there is none: it forgets that
# the file system lies in a partition (so until 1.47.4 at least). It is left to say that the journal is empty.
write_journal() {
    [[ $(field "$1" 'Filesystem features') = *needs_recovery* ]] || return 0
    e2fsck -p -E journal_only "$1$partition" >/dev/null 2>&1 || true
    [ "$(field "$1" 'Journal start')" != 0 ] ||
        debugfs -w -R 'feature -needs_recovery' "$1$partition" >/dev/null 2>&1
}

# check FILE HINT: what is wrong is repaired if nothing can be lost by that.
check() {
    local status=0 said
    write_journal "$1"
    said=$(e2fsck -p "$1$partition" 2>&1) || status=$?
    [ $status -lt 4 ] || die "the file system of $1 is damaged. e2fsck says: ${said//$'\n'/ }" "$2"
}

second_stage() {
    local unfinished=$folder/second-stage.img
    check "$unfinished" "Remove the file, and start again: rm $unfinished"
    say 'Configuring the packages, in a guest. This takes minutes.'
    "$root/tools/debian_second_stage.py" --log "$folder/second-stage.log" "$root/run.sh" \
        --kernel "$folder/second-stage.kernel" --initrd "$folder/second-stage.initrd" --disk "$unfinished" \
        --cpus 1 --memory 1G --append 'console=ttyS0 root=/dev/vda1 rw panic=-1 no4lvl' ||
        die 'the Debian disk is not complete.' "Start again to go on, or anew: rm -r $folder"
    check "$unfinished" "Remove the file, and start again: rm $unfinished"
    mv "$unfinished" "$folder/base.img"
    rm -f "$folder"/second-stage.{kernel,initrd} "$apt"/cache/archives/*.deb
}

# --- the disk -------------------------------------------------------------------------------------

# Earlier versions made file systems without a partition around them; a base is made anew for such a one.
is_disk() { [ -s "$1" ] && "$root/tools/partition_disk.py" --check "$1"; }

# One at a time; the guest inherits the lock.
make_base() {
    ! is_disk "$folder/base.img" || return 0
    exec 8>"$folder/lock"
    flock -n 8 || die "another run.sh makes the Debian disk in $folder." 'Let it end, or end it.'
    if ! is_disk "$folder/second-stage.img"; then
        fetch_packages "$1"
        first_stage
    fi
    second_stage
    exec 8>&-
}

copy_base() {
    need_space 1024 'a copy of the disk'
    cp --sparse=always "$folder/base.img" "$image.partial" || die "could not write $image (see above)."
    mv "$image.partial" "$image"
}

# A disk only grows: what is at its end may be in use. resize2fs cuts an image off where a file system of the new size
# would end without what lies before it: that much it may see, and no more.
grow() {
    local old new end
    old=$(stat -c %s "$image")
    new=$(numfmt --from=iec "$1")
    [ "$new" -ge "$old" ] || die "--disk-size: $image has $((old >> 20)) MiB, and a disk cannot shrink." \
        "At least 2G, with a new disk: --fresh --disk-size $1"
    truncate -s "$new" "$image"
    "$root/tools/partition_disk.py" "$image"
    end=$(($(field "$image" 'Block count') * $(field "$image" 'Block size') + begin))
    [ "$end" -le $((new - begin)) ] || return 0
    truncate -s $((new - begin)) "$image"
    # What was interrupted goes on; 1 of e2fsck says that it has corrected something.
    if { e2fsck -fp "$image$partition" || [ $? -lt 2 ]; } >&2 &&
        resize2fs "$image$partition" $(((new - begin) / 1024))K >&2; then
        truncate -s "$new" "$image"
    else
        die "the file system of $image could not grow (see above)."
    fi
}

# take_out LINK FILE: the file that a link in the root folder of the disk leads to. debugfs takes no spaces in names.
take_out() {
    local target partial
    target=$(debugfs -R "stat $1" "$image$partition" 2>/dev/null | sed -n 's/^Fast link dest: "\(.*\)"$/\1/p')
    partial=$(basename "$2" | tr -c 'a-zA-Z0-9.\n' _).partial
    if [ -z "$target" ] || ! (cd "$(dirname "$2")" && rm -f "$partial" &&
        debugfs -R "dump /${target#/} $partial" "$image$partition" >/dev/null 2>&1 && [ -s "$partial" ] && mv "$partial" "$2"); then
        die "$image: $1 leads to no file there." 'A new disk: ./run.sh debian --fresh'
    fi
}

main() {
    local mirror='' size='' fresh=no image=$folder/disk.img
    while [ $# -gt 0 ]; do
        case $1 in
            --unpack)
                unpack "${@:2}"
                exit
                ;;
            --fresh) fresh=yes ;;
            --mirror=*) mirror=${1#*=} ;;
            --disk-size=*) size=${1#*=} ;;
            --help | -h) say "$usage" && exit 0 ;;
            -*) die "unknown option '$1'." "$usage" ;;
            *) image=$(realpath -m "$1") ;;
        esac
        shift
    done
    mkdir -p "$folder"
    if [ $fresh = yes ] || [ ! -s "$image" ]; then
        make_base "$mirror"
        copy_base
    fi
    is_disk "$image" || die "$image has no partition: an earlier version made it, and it stays as it is." \
        "How to give it one: 'A disk of an earlier version' in docs/guests.md. To start with a new one: ./run.sh debian --fresh"
    check "$image" "To repair it by hand: /sbin/e2fsck -f '$image$partition'. To start with a new one: ./run.sh debian --fresh"
    [ -z "$size" ] || grow "$size"
    take_out /vmlinuz "$image.kernel"
    take_out /initrd.img "$image.initrd"
    "$root/tools/debian_console.py" "$image.initrd"
}

main "$@"
