# Debugging Cairn in QEMU: ./run.sh --gdb in one terminal, and in another one, in this folder:
#   gdb-multiarch -nx -x .gdbinit
file build/target/hypervisor.elf
set confirm off
set pagination off
set substitute-path build/target .
target remote 127.0.0.1:1234
