// SPDX-License-Identifier: MIT
#include "tests/guests/guest_runtime.hpp"

#include <cairn/fdt_reader.hpp>
#include <cairn/platform.hpp>
#include <cairn/runtime.hpp>

namespace cairn::guest {

volatile Trap last_trap{};
const std::byte* device_tree = nullptr;
void (*interrupt_handler)(std::uint64_t scause) = nullptr;

namespace {

constexpr std::size_t max_tree = 1u << 20;

std::string_view command_line(const std::byte* tree) {
    const auto size = load_be<std::uint32_t>({tree, fdt_header_size}, 4);
    const auto fdt = Fdt::parse({tree, std::min<std::size_t>(size, max_tree)});
    if (!fdt) return {};
    const auto chosen = fdt->find("/chosen");
    return chosen ? chosen->string("bootargs").value_or("") : "";
}

volatile std::uint8_t& uart(unsigned offset) {
    return *reinterpret_cast<volatile std::uint8_t*>(uart_base + offset);
}

bool is_fetch(std::uint64_t cause) {
    const auto exception = static_cast<Exception>(cause);
    return exception == Exception::instruction_access_fault ||
           exception == Exception::instruction_page_fault;
}

}  // namespace

extern "C" void guest_trap(const std::uint64_t* frame) {
    const std::uint64_t cause = csr_read<Csr::scause>();
    const std::uint64_t pc = csr_read<Csr::sepc>();
    if (is_interrupt(cause)) {
        if (interrupt_handler != nullptr) interrupt_handler(cause);
        return;
    }
    last_trap.scause = cause;
    last_trap.stval = csr_read<Csr::stval>();
    last_trap.sepc = pc;
    last_trap.count = last_trap.count + 1;
    if (is_fetch(cause)) {
        csr_write<Csr::sepc>(frame[1]);  // back to the caller of nowhere
        return;
    }
    const std::uint16_t parcel = *reinterpret_cast<const std::uint16_t*>(pc);
    csr_write<Csr::sepc>(pc + ((parcel & 3) == 3 ? 4 : 2));
}

extern "C" [[noreturn]] void guest_start(std::uint64_t, const std::byte* tree) {
    device_tree = tree;
    run_static_constructors();
    run(command_line(tree));
    power_off();
}

void power_off(bool failed) {
    sbi_call(SbiExtension::srst, SbiSrst::system_reset, SbiResetType::shutdown,
             failed ? SbiResetReason::system_failure : SbiResetReason::none);
    for (;;) {
    }
}

void uart_put(char character) {
    while ((uart(5) & 0x20) == 0) {
    }
    uart(0) = static_cast<std::uint8_t>(character);
}

bool uart_has_input() {
    return (uart(5) & 1) != 0;
}

char uart_get() {
    while (!uart_has_input()) {
    }
    return static_cast<char>(uart(0));
}

}  // namespace cairn::guest

namespace cairn {

void platform_write(std::string_view text) {
    for (const char character : text) {
        if (character == '\n') guest::uart_put('\r');
        guest::uart_put(character);
    }
}

void platform_panic(std::string_view sentence, std::source_location where) {
    println("guest panic: {} ({}:{})", sentence, where.file_name(), where.line());
    guest::power_off(true);
}

}  // namespace cairn
