// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/gdb/register_file.hpp"

#include <utility>

#include <cairn/print.hpp>
#include "kernel/arch/start/kernel_frame.hpp"

namespace cairn {
namespace {

using namespace gdb_register;

constexpr std::uint32_t csr(std::uint32_t number) {
    return first_csr + number;
}

/// Privileged Architecture, "CSR Listing".
constexpr GdbCsr csrs[]{
    {csr(0x100), "sstatus", &GuestCsrs::vsstatus},
    {csr(0x104), "sie", &GuestCsrs::vsie},
    {csr(0x105), "stvec", &GuestCsrs::vstvec},
    {csr(0x106), "scounteren", &GuestCsrs::scounteren},
    {csr(0x10a), "senvcfg", &GuestCsrs::senvcfg},
    {csr(0x140), "sscratch", &GuestCsrs::vsscratch},
    {csr(0x141), "sepc", &GuestCsrs::vsepc},
    {csr(0x142), "scause", &GuestCsrs::vscause},
    {csr(0x143), "stval", &GuestCsrs::vstval},
    {csr(0x14d), "stimecmp", &GuestCsrs::vstimecmp},
    {csr(0x180), "satp", &GuestCsrs::vsatp},
};

bool is_fp_control(std::uint32_t number) {
    return number >= fflags && number <= fcsr;
}

void write_register(std::string_view name, std::uint32_t number, std::string_view type,
                    Writer& out) {
    print(out, "<reg name=\"{}\" bitsize=\"{}\" type=\"{}\" regnum=\"{}\"/>", name,
          gdb_register_size(number) * 8, type, number);
}

void begin_feature(std::string_view name, Writer& out) {
    print(out, "<feature name=\"org.gnu.gdb.riscv.{}\">", name);
}
void end_feature(Writer& out) {
    out.write("</feature>");
}

void write_fp(Writer& out) {
    begin_feature("fpu", out);
    for (std::uint32_t n = 0; n < 32; ++n) {
        FixedBuffer<8> name;
        print(name, "f{}", n);
        write_register(name.view(), first_fp + n, "ieee_double", out);
    }
    write_register("fflags", fflags, "int", out);
    write_register("frm", frm, "int", out);
    write_register("fcsr", fcsr, "int", out);
    end_feature(out);
}

/// A vector register as gdb's own description of V has it: by elements of each width.
void write_vector(std::uint32_t bytes, Writer& out) {
    constexpr std::pair<std::string_view, std::uint32_t> elements[]{
        {"bytes", 1}, {"shorts", 2}, {"words", 4}, {"longs", 8}, {"quads", 16}};
    begin_feature("vector", out);
    for (const auto& [name, width] : elements) {
        if (bytes >= width)
            print(out, "<vector id=\"{}\" type=\"uint{}\" count=\"{}\"/>", name, 8 * width,
                  bytes / width);
    }
    out.write("<union id=\"riscv_vector\">");
    for (const auto& [name, width] : elements) {
        if (bytes >= width) print(out, "<field name=\"{}\" type=\"{}\"/>", name.front(), name);
    }
    out.write("</union>");
    for (std::uint32_t n = 0; n < GuestVector::count; ++n) {
        print(out, "<reg name=\"v{}\" bitsize=\"{}\" type=\"riscv_vector\" regnum=\"{}\"/>", n,
              8 * bytes, first_vector + n);
    }
    end_feature(out);
}

void write_csrs(bool vector, Writer& out) {
    begin_feature("csr", out);
    for (const GdbCsr& row : csrs)
        write_register(row.name, row.number, "int", out);
    write_register("sip", sip, "int", out);
    if (vector) {
        write_register("vstart", vstart, "int", out);
        write_register("vcsr", vcsr, "int", out);
        write_register("vl", vl, "int", out);
        write_register("vtype", vtype, "int", out);
        write_register("vlenb", vlenb, "int", out);
    }
    end_feature(out);
}

}  // namespace

std::span<const GdbCsr> gdb_csrs() {
    return csrs;
}

std::uint32_t gdb_register_size(std::uint32_t number) {
    return is_fp_control(number) ? 4 : 8;
}

void write_target_description(const GdbRegisterSets& sets, Writer& out) {
    out.write(
        "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
        "<target version=\"1.0\"><architecture>riscv:rv64</architecture>");
    begin_feature("cpu", out);
    for (std::uint32_t n = 0; n < register_names.size(); ++n)
        write_register(register_names[n], n,
                       n == 1   ? "code_ptr"
                       : n == 2 ? "data_ptr"
                                : "int",
                       out);
    write_register("pc", pc, "code_ptr", out);
    end_feature(out);
    if (sets.fp) write_fp(out);
    write_csrs(sets.vector_register_bytes != 0, out);
    if (sets.vector_register_bytes != 0) write_vector(sets.vector_register_bytes, out);
    begin_feature("virtual", out);
    write_register("priv", privilege, "int", out);
    end_feature(out);
    out.write("</target>");
}

}  // namespace cairn
