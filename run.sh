#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# From a fresh clone to a guest's shell on Cairn in QEMU. Installs, builds, fetches, packs, starts.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/common.sh
. "$here/tools/common.sh"
# shellcheck source=tools/packages.sh
. "$root/tools/packages.sh"
# shellcheck source=tools/build.sh
. "$root/tools/build.sh"
# shellcheck source=tools/machine.sh
. "$root/tools/machine.sh"

elf=$root/build/target/hypervisor.elf
efi=$root/build/target/cairn.efi
efi_elf=$root/build/target/cairn-efi.elf
volume=$root/build/run/esp.img
demo_image=$root/build/target/guests/demo.img
u_boot_image=/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin
archive=$root/build/run/vms.cpio
console_log=$root/build/run/console.log

usage() {
    cat <<'END'
Usage: ./run.sh [debian] [OPTION]... [-- QEMU-OPTION...]

Starts Cairn in QEMU with a guest: Debian 13's kernel and a busybox shell, unless told otherwise.

`./run.sh debian` starts a whole Debian 13 from a disk instead, to its `login:`, with a network: root
has no password there, and `ssh -F .cache/debian/ssh/config cairn` comes in by port 2222, unless
--forward says otherwise. The disk is made once, in .cache/debian: 160 MB to fetch, and some minutes in a guest. What
the guest writes stays on it, and the next start boots the kernel that it has in /boot. With the
options below, and these:
  --image FILE           another disk, made if it is not there    (default: .cache/debian/disk.img)
  --disk-size SIZE       let the disk grow to that size, as in 8G  (at first: 2G)
  --fresh                forget what is on the disk, and start with a new one

The guest (options named like QEMU's own)
  --kernel FILE          its kernel: a RISC-V Linux `Image`, or a raw binary for 0x80200000
  --initrd FILE          its initial RAM disk
  --append STRING        its kernel command line    (default: console=ttyS0; debian: behind its own)
  --cpus N               its harts                  (default: 1; debian: 2)
  --memory SIZE          its memory, as in 512M     (default: 512M; debian: 1G)
  --bundle DIR           VMs from a folder instead: one folder per VM, with vm.conf and its files,
                         as in examples/
  --demo                 the tiny guest built from this repository: nothing is downloaded
  --u-boot               U-Boot, Debian's S-mode image (package u-boot-qemu), to its prompt, or into
                         what it finds on the first --disk, as on that of `./run.sh debian`
  --mirror URL           Debian mirror to fetch the guest from (default: as in apt's sources)

The machine
  --smp N                its harts                  (default: as many as the guest has; of a
                         bundle: as the VM that has most, and two for several vCPUs)
  --machine-memory SIZE  its memory                 (default: 1 GiB more than all guests, at least 2G)
  --disk FILE[,ro]       a disk of it, from a file of whole sectors; the one guest has it, those
                         of a bundle by `disk = host:0` in vm.conf. Up to 7. In Debian's guest
                         `sh /etc/disks` loads the driver
  --base FILE            an image in the archive that is the one guest's first disk; what it writes
                         is kept in memory, and gone when it ends
  --persist FILE         the same, kept in FILE, and there again at the next start; FILE is made if
                         it is not there, and goes with that image alone
  --net                  a network device of it, behind QEMU's user network; the one guest is on it,
                         those of a bundle by `net = uplink` in vm.conf. In Debian's guest
                         `sh /etc/net` loads the driver
  --forward HOST:GUEST   the host's TCP port HOST, on 127.0.0.1, is the guest's port GUEST, as in
                         2222:22; implies --net, may be repeated
  --tap NAME             the network device is at that tap interface of the host's instead of the user
                         network, with all offloads; implies --net
  --channels DIR         sockets in that folder: monitor.sock takes the monitor's commands from programs
                         (tools/cairnctl), vm.NAME.sock is the console of VM NAME; the one guest's
                         name is guest
  --cpu MODEL            QEMU's -cpu                (default: rv64)
  --uefi                 U-Boot starts Cairn as a UEFI application, from a FAT volume

Cairn itself
  --heap SIZE            its heap, as in 16M        (default: 100M)

What to do
  --build-only           install and build, then stop
  --print                prepare everything, then print the QEMU command instead of running it
  --gdb                  wait for gdb-multiarch before the first instruction
  --timeout SECONDS      end QEMU after that time, with status 1
  --help                 this text

The exit status is QEMU's: 0 when the guests have powered off.
END
}

# --- options ------------------------------------------------------------------------------------

kernel='' initrd='' append='' bundle='' mirror='' smp='' machine_memory='' timeout='' heap=''
cpus='' memory='' cpu=rv64 image='' disk_size='' channels='' tap='' base='' persist=''
demo=no u_boot=no debian=no new_disk=no gdb=no uefi=no net=no virtio_console=no action=run
qemu_options=() channel_options=() disks=() forwards=()
options_with_value=(--kernel --initrd --append --bundle --mirror --cpu --cpus --smp --timeout
    --memory --machine-memory --heap --disk --disk-size --image --forward --tap --channels
    --base --persist)

is_number() { [[ $1 =~ ^[1-9][0-9]*$ ]]; }

check_number() { is_number "$2" || die "$1 wants a number from 1, and got '$2'." "As in: $1 4"; }

# A size as QEMU's -m takes it; without a unit it is MiB.
size_of() {
    [[ $2 =~ ^[1-9][0-9]*[KMGkmg]?$ ]] || die "$1 wants a size, and got '$2'." "As in: $1 512M"
    if is_number "$2"; then echo "${2}M"; else echo "${2^^}"; fi
}

mebibytes_of() {
    case $1 in
        *K) echo "$((${1%K} / 1024))" ;;
        *M) echo "${1%M}" ;;
        *G) echo "$((${1%G} * 1024))" ;;
    esac
}

check_file() {
    [[ -r $2 && ! -d $2 ]] || die "$1: cannot read '$2'." 'Is the path right?'
}

# FILE or FILE,ro: kept as ro:FILE or rw:FILE.
add_disk() {
    local file=${2%,ro} mode=rw
    [ "$file" = "$2" ] || mode=ro
    check_file "$1" "$file"
    [ $mode = ro ] || [ -w "$file" ] ||
        die "$1: cannot write to '$file'." "To read it alone: $1 $file,ro"
    if [ ! -s "$file" ] || [ $(($(stat -L -c %s "$file") % 512)) != 0 ]; then
        die "$1: '$file' is no disk: it has no whole sectors of 512 bytes." "As in: truncate -s 64M $file"
    fi
    [ ${#disks[@]} -lt 7 ] || die "$1: a machine has at most 7." 'Remove one of them.'
    disks+=("$mode:$file")
}

# An image of whole sectors.
check_base() {
    check_file "$@"
    [ -s "$2" ] && [ $(($(stat -L -c %s "$2") % 512)) = 0 ] ||
        die "$1: '$2' is no image: it has no whole sectors of 512 bytes." "As in: truncate -s %512 $2"
}

# The file that keeps what is written over the base: the machine's first disk. Header and bitmap, a bit for
# each sector, are in front of the data (kernel/dev/virtio/overlay_area.hpp).
make_persist() {
    local size pages
    [ -n "$base" ] || die "--persist: there is no image that it goes with." "As in: --base root.img --persist $persist"
    [ ${#disks[@]} -lt 7 ] || die "--persist: a machine has at most 7 disks." 'Remove one of them.'
    size=$(stat -L -c %s "$base")
    pages=$(((size + (16 << 20) - 1) / (16 << 20)))
    if [ ! -e "$persist" ]; then
        truncate -s $(((((1 + pages) * 4096 + (128 << 10) - 1) >> 17 << 17) + size)) "$persist" ||
            die "--persist: cannot make '$persist'." 'Is the path right?'
    fi
    [ -f "$persist" ] && [ -r "$persist" ] && [ -w "$persist" ] ||
        die "--persist: cannot write to '$persist'." 'Is the path right?'
    disks=("kept:$persist" ${disks[@]+"${disks[@]}"})
}

is_port() { is_number "$1" && [ ${#1} -le 5 ] && [ "$1" -le 65535 ]; }

# HOST:GUEST, two ports.
add_forward() {
    is_port "${2%%:*}" && is_port "${2#*:}" && [[ $2 = *:* ]] ||
        die "$1 wants two ports from 1 to 65535, and got '$2'." "As in: $1 2222:22"
    net=yes
    forwards+=("$2")
}

# As Linux lets them be named, and QEMU's options.
is_interface() { [[ $1 =~ ^[A-Za-z0-9_.-]{1,15}$ ]]; }

# The guest's name of each, for its vm.conf: with --uefi the first disk is the firmware's.
host_disks() {
    local number=0 disk
    [ "$uefi" = no ] || number=1
    [ -z "$base" ] || [ -n "$persist" ] || echo 'disk.img,overlay'
    for disk in ${disks[@]+"${disks[@]}"}; do
        case ${disk%%:*} in
            rw) echo "host:$number" ;;
            ro) echo "host:$number,ro" ;;
            kept) echo "disk.img,overlay=host:$number" ;;
        esac
        number=$((number + 1))
    done
}

# Cairn says what does not fit, and how much would. But what is larger than the whole guest may be
# too large for the machine as well, and QEMU's words for that are a riddle.
check_size() {
    local mebibytes
    mebibytes=$(($(stat -L -c %s "$2") >> 20))
    [ "$mebibytes" -le "$(mebibytes_of "$memory")" ] ||
        die "$1: '$2' has $mebibytes MiB, and the guest's memory is $memory." \
            "As in: --memory $((mebibytes + 64))M"
}

# QEMU puts the archive into the upper half of the machine's memory, or above its first 512 MiB; before
# QEMU 10 above its first 128.
check_archive() {
    local files memory_size below=512
    [[ $(qemu-system-riscv64 --version) =~ version\ ([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 10 ] || below=128
    files=$(archive_mebibytes) memory_size=$(mebibytes_of "$machine_memory")
    [ $((files + 8)) -le $((memory_size - (memory_size < 2 * below ? memory_size / 2 : below))) ] ||
        die "--machine-memory: the guests' files have $files MiB, for which a machine with $machine_memory has no room." \
            "As in: --machine-memory $((files + 1024))M"
}

set_option() {
    [[ " ${options_with_value[*]} " == *" $1 "* ]] ||
        die "unknown option '$1'." 'See ./run.sh --help. Options of QEMU go after --'
    [ $# -gt 1 ] || die "$1 wants a value." 'See ./run.sh --help'
    case $1 in
        --kernel) check_file "$@" && kernel=$2 ;;
        --initrd) check_file "$@" && initrd=$2 ;;
        --append) append=$2 ;;
        --bundle) bundle=$2 ;;
        --mirror) mirror=$2 ;;
        --cpu) cpu=$2 ;;
        --cpus) check_number "$@" && cpus=$2 ;;
        --smp) check_number "$@" && smp=$2 ;;
        --timeout) check_number "$@" && timeout=$2 ;;
        --memory) memory=$(size_of "$@") ;;
        --machine-memory) machine_memory=$(size_of "$@") ;;
        --heap) heap=$(size_of "$@") ;;
        --disk) add_disk "$@" ;;
        --forward) add_forward "$@" ;;
        --tap) is_interface "$2" && tap=$2 net=yes || die "$1 wants an interface, and got '$2'." "As in: $1 tap0" ;;
        --disk-size) disk_size=$(size_of "$@") ;;
        --image) image=$2 ;;
        --base) check_base "$@" && base=$2 ;;
        --persist) [ -n "$2" ] && persist=$2 || die "$1 wants a file." "As in: $1 kept.img" ;;
        --channels) [ -n "$2" ] && channels=$2 || die "$1 wants a folder." "As in: $1 build/run/channels" ;;
    esac
}

parse() {
    if [ "${1-}" = debian ]; then
        debian=yes
        shift
    fi
    while [ $# -gt 0 ]; do
        case $1 in
            --help | -h) usage && exit 0 ;;
            --demo) demo=yes ;;
            --u-boot) u_boot=yes ;;
            --fresh) new_disk=yes ;;
            --gdb) gdb=yes ;;
            --uefi) uefi=yes ;;
            --net) net=yes ;;
            --build-only) action=build ;;
            --print) action=print ;;
            --) qemu_options=("${@:2}") && return ;;
            --*=*) set_option "${1%%=*}" "${1#*=}" ;;
            *)
                set_option "$1" ${2+"$2"}
                shift
                ;;
        esac
        shift
    done
    [ -n "$cpus" ] || cpus=$([ $debian = yes ] && echo 2 || echo 1)
    [ -n "$memory" ] || memory=$([ $debian = yes ] && echo 1G || echo 512M)
}

check_choice() {
    local chosen=0 choice
    for choice in "$kernel" "$bundle" "${demo#no}" "${u_boot#no}" "${debian#no}"; do
        [ -z "$choice" ] || chosen=$((chosen + 1))
    done
    [ $chosen -le 1 ] ||
        die 'debian, --kernel, --bundle, --demo and --u-boot each choose the guest.' 'Give one of them.'
    [ $debian = yes ] || [ "$image$disk_size$new_disk" = no ] ||
        die "--image, --disk-size and --fresh are about Debian's disk." 'As in: ./run.sh debian --fresh'
    [ -z "$base$persist" ] || [ -z "$bundle${debian#no}" ] ||
        die '--base and --persist are about the one guest; debian has a disk, and in a bundle vm.conf says it.' \
            'As in: disk = root.img,overlay=host:0'
    [ $debian = no ] || check_debian
    [ -z "$persist" ] || make_persist
    [ "$net" = no ] || [ "$uefi" = no ] || [ ${#disks[@]} -lt 7 ] ||
        die '--uefi and --net leave room for 6 disks.' 'Remove one of them.'
    [ -z "$tap" ] || [ ${#forwards[@]} -eq 0 ] ||
        die "--forward is about QEMU's user network, and --tap has another." 'Give one of them.'
    [ -z "$bundle" ] || check_bundle
    [ -z "$kernel" ] || check_size --kernel "$kernel"
    [ -z "$initrd" ] || check_size --initrd "$initrd"
    [ "$action" != run ] || check_machine_memory
}

# Its disk is the first one, and ssh comes in by port 2222 unless other ports are forwarded.
check_debian() {
    image=$(realpath -m "${image:-$cache/debian/disk.img}")
    [ -d "$(dirname "$image")" ] || [ "$image" = "$cache/debian/disk.img" ] ||
        die "--image: there is no folder '$(dirname "$image")'." 'Is the path right?'
    [ -z "$initrd" ] || die '--initrd: Debian has its own, on its disk.' 'Without it: ./run.sh debian'
    [ ${#disks[@]} -lt 7 ] || die '--disk: a machine has at most 7, and Debian has one.' 'Remove one of them.'
    disks=("rw:$image" ${disks[@]+"${disks[@]}"})
    [ ${#forwards[@]} -gt 0 ] || [ -n "$tap" ] || add_forward --forward 2222:22
}

check_bundle() {
    [ -d "$bundle" ] || die "--bundle: '$bundle' is no folder." 'It holds a folder per VM.'
    compgen -G "$bundle/*/vm.conf" >/dev/null ||
        die "--bundle: no folder in '$bundle' has a vm.conf." "As in: $bundle/guest/vm.conf"
    local needs
    needs=$("$python" "$root/tools/bundle_needs.py" "$bundle")
    cpus=${needs% *} memory=${needs#* }M
}

# QEMU's words for memory that the host does not give are a riddle, too.
check_machine_memory() {
    local option=--memory size=${machine_memory:-$(($(mebibytes_of "$memory") + 1024))M}
    [ -z "$machine_memory" ] || option=--machine-memory
    ! host_gives "$size" || return 0
    [ -z "$bundle" ] || [ -n "$machine_memory" ] ||
        die "--bundle: its VMs have $memory of memory, and this computer has no room for a machine of $size." \
            "Most has $("$python" "$root/tools/bundle_needs.py" --largest "$bundle"). A smaller machine: --machine-memory 4G"
    die "$option: this computer has no room for a machine of $size." "As in: $option 1G"
}

# The folder and the sockets can be as they are to be, and the machine has room for their devices.
# The names that Cairn takes, a line each; of others it says what is wrong.
ports_of() {
    sed -nE 's/^[ \t]*port[ \t]*=[ \t]*([A-Za-z0-9_-][A-Za-z0-9._-]{0,31})[ \t\r]*$/\1/p' "$1"
}

prepare_channels() {
    local names=(guest) conf vm port options used=${#disks[@]}
    if [ -n "$bundle" ]; then
        names=()
        for conf in "$bundle"/*/vm.conf; do
            vm=$(basename "$(dirname "$conf")")
            names+=("$vm")
            while read -r port; do names+=("$port@$vm"); done < <(ports_of "$conf")
        done
    fi
    options=$("$python" "$root/tools/channels.py" "$channels" "${names[@]}") || exit 2
    mapfile -t channel_options <<<"$options"
    used=$((used + $(grep -c '^virtio-serial-device,' <<<"$options")))
    [ "$uefi" = no ] || used=$((used + 1))
    [ "$net" = no ] || used=$((used + 1))
    [ $used -le 8 ] ||
        die "--channels: the machine has 8 slots, and this wants $used, for consoles, disks and networks." \
            'Remove a disk.'
}

# --- the guest ----------------------------------------------------------------------------------

fetch_debian() {
    require_packages "to fetch the guest's packages" "${packages_to_fetch[@]}"
    "$root/tools/fetch_debian.sh" ${mirror:+--mirror "$mirror"}
}

# Debian's drivers for disks and networks are modules, which Linux unpacks behind the rest.
choose_initramfs() {
    initrd=$cache/guest/initramfs.cpio.gz
    [ ${#disks[@]} -gt 0 ] || [ -n "$base" ] || [ "$net" = yes ] || return 0
    mkdir -p "$root/build/run"
    cat "$initrd" "$cache/guest/modules.cpio.gz" >"$root/build/run/initrd"
    initrd=$root/build/run/initrd
}

choose_debian() {
    if fetch_debian; then
        kernel=$cache/guest/Image
        [ -n "$initrd" ] || choose_initramfs
    else
        say "Without Debian's kernel, this starts the demo guest instead."
        choose_demo
    fi
}

# Nobody else may have the disk until QEMU, which inherits the lock, has ended.
choose_debian_disk() {
    require_packages 'to make and check a disk' "${packages_for_disk[@]}"
    mkdir -p "$cache/debian"
    exec 9>"$image.lock"
    flock -n 9 || die "another run.sh has Debian's disk, $image." "Let it end: its guest's poweroff, or Ctrl-A x."
    local arguments=(${mirror:+"--mirror=$mirror"} ${disk_size:+"--disk-size=$disk_size"})
    [ $new_disk = no ] || arguments+=(--fresh)
    "$root/tools/debian_disk.sh" ${arguments[@]+"${arguments[@]}"} "$image" || exit
    kernel=$image.kernel initrd=$image.initrd
    choose_debian_console
    choose_debian_page_tables
    append="root=/dev/vda1 rw $console net.ifnames=0$page_tables${append:+ $append}"
}

# Sv39 rather than Sv57: a level less is a table less to read, and a translation of Cairn's less.
choose_debian_page_tables() {
    page_tables=' no4lvl'
    [[ " $append " != *' no5lvl '* ]] || page_tables=''
}

# A virtio console costs a fraction of a UART; until its driver is there, the kernel's messages go out by SBI.
# A VM without a slot for it has the UART, and who names a console has that.
choose_debian_console() {
    local used=${#disks[@]}
    [ "$net" = no ] || used=$((used + 1))
    [ $used -ge 8 ] || virtio_console=yes
    console='earlycon=sbi console=hvc0'
    [ $virtio_console = yes ] || console='console=ttyS0'
    [[ " $append" != *' console='* ]] || console=''
}

choose_demo() {
    demo=yes
    kernel=$demo_image
    [ -r "$kernel" ] || die "the demo guest was not built: no $kernel."
}

choose_u_boot() {
    require_packages 'to run U-Boot as a guest' "${packages_for_u_boot[@]}"
    kernel=$u_boot_image
}

# Whether a symbolic link in the bundle leads to a path that ends in one of these, by an extended
# regular expression.
bundle_links_to() { find "$bundle" -type l -printf '%l\n' | grep -Eq "$1"; }

# The files of a bundle may be links to what is fetched or built here.
choose_bundle() {
    if bundle_links_to '(^|/)\.cache/guest/'; then
        fetch_debian || die "--bundle: '$bundle' needs Debian's kernel, which could not be fetched."
    fi
    ! bundle_links_to '/u-boot/[^/]*/' ||
        require_packages 'for U-Boot as a guest' "${packages_for_u_boot[@]}"
}

pack() {
    local disk arguments=(--output "$archive")
    if [ -n "$bundle" ]; then
        choose_bundle
        arguments+=(--bundle "$bundle")
    else
        if [ "$demo" = yes ]; then
            choose_demo
        elif [ $debian = yes ]; then
            choose_debian_disk
        elif [ -z "$kernel" ]; then
            choose_debian
        fi
        arguments+=(--kernel "$kernel" --cpus "$cpus" --memory "$memory"
            --append "${append:-console=ttyS0}" ${initrd:+--initrd "$initrd"} ${base:+--base "$base"})
        for disk in $(host_disks); do arguments+=(--disk "$disk"); done
        [ "$net" = no ] || arguments+=(--net uplink)
        [ $virtio_console = no ] || arguments+=(--virtio-console)
    fi
    "$python" "$root/tools/pack_bundle.py" "${arguments[@]}"
    [ "$uefi" = yes ] || [ -z "$machine_memory" ] || check_archive
    [ "$uefi" = no ] ||
        "$python" "$root/tools/make_volume.py" --output "$volume" --image "$efi" --archive "$archive"
}

# All of it where that was asked for, or where the guest may be one of the tests'; else what runs.
build() {
    local targets=(hypervisor)
    [ "$uefi" = no ] || targets+=(cairn-efi)
    [ "$demo" = no ] || targets+=(guest_demo)
    if [ "$action" = build ] || [ -n "$bundle" ] || [[ $kernel = *build/* ]]; then targets=(all); fi
    build_preset target "${targets[@]}"
}

main() {
    parse "$@"
    check_choice
    require_packages 'to build Cairn' "${packages_to_run[@]}"
    [ "$action" = build ] || require_packages 'to run it in QEMU' "${packages_to_emulate[@]}"
    [ "$uefi" = no ] || require_packages 'for UEFI' "${packages_for_uefi[@]}"
    [ -z "$channels" ] || prepare_channels
    build
    [ "$action" != build ] || exit 0
    [ "$u_boot" = no ] || choose_u_boot
    pack
    compose_qemu
    if [ "$action" = print ]; then print_command; else start; fi
}

main "$@"
