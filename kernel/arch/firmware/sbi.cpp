// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/arch/firmware/sbi.hpp"

namespace cairn {

#define CAIRN_ROW(name, number, title) \
    case number: return title;

std::string_view to_string(SbiExtension extension) {
    switch (static_cast<std::uint64_t>(extension)) {
        CAIRN_SBI_EXTENSIONS(CAIRN_ROW)
        default: return "extension that the specification does not list";
    }
}

std::string_view to_string(SbiError error) {
    switch (static_cast<std::int64_t>(error)) {
        CAIRN_SBI_ERRORS(CAIRN_ROW)
        default: return "error that the specification does not list";
    }
}

std::string_view to_string(SbiHartState state) {
    switch (static_cast<std::uint64_t>(state)) {
        CAIRN_SBI_HART_STATES(CAIRN_ROW)
        default: return "state that the specification does not list";
    }
}

std::string_view to_string(SbiResetType type) {
    switch (static_cast<std::uint32_t>(type)) {
        CAIRN_SBI_RESET_TYPES(CAIRN_ROW)
        default: return "reset type that the specification does not list";
    }
}

std::string_view to_string(SbiResetReason reason) {
    switch (static_cast<std::uint32_t>(reason)) {
        CAIRN_SBI_RESET_REASONS(CAIRN_ROW)
        default: return "reset reason that the specification does not list";
    }
}

namespace {

// One function from number to words for each extension that has functions.
#define CAIRN_FUNCTIONS(extension, rows)                          \
    std::string_view extension##_function(std::uint64_t number) { \
        switch (number) { rows(CAIRN_ROW) default : return {}; }  \
    }
CAIRN_FUNCTIONS(base, CAIRN_SBI_BASE)
CAIRN_FUNCTIONS(time, CAIRN_SBI_TIME)
CAIRN_FUNCTIONS(ipi, CAIRN_SBI_IPI)
CAIRN_FUNCTIONS(rfence, CAIRN_SBI_RFENCE)
CAIRN_FUNCTIONS(hsm, CAIRN_SBI_HSM)
CAIRN_FUNCTIONS(srst, CAIRN_SBI_SRST)
CAIRN_FUNCTIONS(pmu, CAIRN_SBI_PMU)
CAIRN_FUNCTIONS(dbcn, CAIRN_SBI_DBCN)
CAIRN_FUNCTIONS(susp, CAIRN_SBI_SUSP)
CAIRN_FUNCTIONS(cppc, CAIRN_SBI_CPPC)
CAIRN_FUNCTIONS(nacl, CAIRN_SBI_NACL)
CAIRN_FUNCTIONS(sta, CAIRN_SBI_STA)
CAIRN_FUNCTIONS(sse, CAIRN_SBI_SSE)
CAIRN_FUNCTIONS(fwft, CAIRN_SBI_FWFT)
#undef CAIRN_FUNCTIONS
#undef CAIRN_ROW

}  // namespace

std::string_view sbi_function_name(SbiExtension extension, std::uint64_t function) {
    switch (extension) {
        case SbiExtension::base: return base_function(function);
        case SbiExtension::time: return time_function(function);
        case SbiExtension::ipi: return ipi_function(function);
        case SbiExtension::rfence: return rfence_function(function);
        case SbiExtension::hsm: return hsm_function(function);
        case SbiExtension::srst: return srst_function(function);
        case SbiExtension::pmu: return pmu_function(function);
        case SbiExtension::dbcn: return dbcn_function(function);
        case SbiExtension::susp: return susp_function(function);
        case SbiExtension::cppc: return cppc_function(function);
        case SbiExtension::nacl: return nacl_function(function);
        case SbiExtension::sta: return sta_function(function);
        case SbiExtension::sse: return sse_function(function);
        case SbiExtension::fwft: return fwft_function(function);
        default: return {};
    }
}

}  // namespace cairn
