# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# The machine that run.sh has QEMU be: how it is composed of what was asked for, started, and what is said of
# its end. Sourced; the variables are run.sh's.

# What is laid into the machine's memory for the guests.
archive_mebibytes() { echo $((($(stat -L -c %s "$archive") >> 20) + 1)); }

# Twice 512 MiB plus the hypervisor fits in 2 GiB; larger guests get a larger machine, and larger files do.
default_machine_memory() {
    local mebibytes files
    files=$(archive_mebibytes)
    mebibytes=$(($(mebibytes_of "$memory") + 1024 + (files > 512 ? files - 512 : 0)))
    echo "$((mebibytes > 2048 ? mebibytes : 2048))M"
}

# Whether the host gives QEMU so much memory, which it asks for in one piece.
host_gives() {
    "$python" -c 'import mmap, sys; mmap.mmap(-1, int(sys.argv[1]) << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)' \
        "$(($(mebibytes_of "$1") + 1))" 2>/dev/null
}

# With ACLINT a hart is interrupted by a store instead of by the firmware.
# The console is also logged, for the backtrace of a crash; Ctrl-C belongs to the guest. Where the host has no
# space left, a guest is told of an error: QEMU would stop the machine without a word.
compose_qemu() {
    local number file
    qemu=(qemu-system-riscv64 -M virt,aclint=on -cpu "$cpu" -smp "${smp:-$cpus}"
        -m "${machine_memory:-$(default_machine_memory)}" -bios default -display none
        -chardev "stdio,id=console,mux=on,signal=off,logfile=${console_log//,/,,}"
        -serial chardev:console -mon chardev=console)
    if [ "$uefi" = yes ]; then
        qemu+=(-kernel "$u_boot_image" -drive "if=none,id=esp,format=raw,file=${volume//,/,,}"
            -device "virtio-blk-device,drive=esp")
    else
        qemu+=(-kernel "$elf" -initrd "$archive")
    fi
    for number in ${disks[@]+"${!disks[@]}"}; do
        file=${disks[$number]#*:}
        qemu+=(-drive "if=none,id=disk$number,format=raw,discard=unmap,werror=report,file=${file//,/,,}$([[ ${disks[$number]} != ro:* ]] || echo ,readonly=on)"
            -device "virtio-blk-device,drive=disk$number")
    done
    [ "$net" = no ] || qemu+=(-netdev "$(network)" -device virtio-net-device,netdev=net0)
    qemu+=(${channel_options[@]+"${channel_options[@]}"})
    [ -z "$heap" ] || qemu+=(-append "heap=$heap")
    [ "$gdb" = no ] || qemu+=(-gdb tcp:127.0.0.1:1234 -S)
    qemu+=(${qemu_options[@]+"${qemu_options[@]}"})
}

network() {
    local forward
    if [ -n "$tap" ]; then
        printf 'tap,id=net0,ifname=%s,script=no,downscript=no' "$tap"
        return
    fi
    printf 'user,id=net0'
    for forward in ${forwards[@]+"${forwards[@]}"}; do
        printf ',hostfwd=tcp:127.0.0.1:%s-:%s' "${forward%:*}" "${forward#*:}"
    done
}

announce() {
    say "Starting QEMU. Ctrl-A x ends it, Ctrl-A c switches to its monitor, Ctrl-C goes to the guest."
    [ -z "$channels" ] || say "Channels: $root/tools/cairnctl --dir $channels list"
    [ "$gdb" = no ] || say "Waiting for: cd $root && gdb-multiarch -nx -x .gdbinit"
}

start() {
    local status=0 terminal=''
    [ ! -t 0 ] || terminal=$(stty -g)
    mkdir -p "$(dirname "$console_log")"
    announce
    if [ -n "$timeout" ]; then
        timeout --foreground --kill-after=5 "$timeout" "${qemu[@]}" || status=$?
    else
        "${qemu[@]}" || status=$?
    fi
    # QEMU restores the terminal itself, but not when it is killed.
    [ -z "$terminal" ] || stty "$terminal"
    report "$status"
}

report() {
    if [ -n "$timeout" ] && { [ "$1" -eq 124 ] || [ "$1" -eq 137 ]; }; then
        say "run.sh: ended QEMU after $timeout s (--timeout)."
        exit 1
    fi
    if [ "$1" -ne 0 ]; then
        local kernel_elf=$elf
        [ "$uefi" = no ] || kernel_elf=$efi_elf
        "$python" "$root/tools/symbolize.py" "$kernel_elf" "$console_log" >&2 || true
        say "run.sh: QEMU ended with status $1. The console's log: $console_log"
    fi
    exit "$1"
}

# Quoted so that a shell takes it back.
print_command() {
    "$python" -c 'import shlex, sys; print(shlex.join(sys.argv[1:]))' "${qemu[@]}"
}
