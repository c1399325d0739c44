// SPDX-License-Identifier: MIT
// Other harts: each waits for jobs in a loop, until it is told to stop.
#include "tests/guests/sbi_conformance/suite.hpp"

extern "C" {
void conformance_entry();
void conformance_resume();
std::uint64_t conformance_suspend(std::uint64_t type, std::uint64_t place, std::uint64_t opaque,
                                  std::uint64_t* out, std::uint64_t, std::uint64_t,
                                  std::uint64_t function, std::uint64_t extension);
}

namespace cairn::guest::conformance {

std::array<Arrival, max_harts> arrivals;

namespace {

using Page = std::array<std::uint64_t, 512>;
alignas(4096) Page root, middle, bottom;
std::array<std::atomic<void (*)()>, max_harts> jobs;
std::array<volatile bool, max_harts> taken;

void on_interrupt(std::uint64_t cause) {
    csr_clear<Csr::sie>(std::uint64_t{1} << (cause & 63));
    taken[this_hart()] = true;
}

std::uint64_t pte(std::uint64_t address, std::uint64_t bits) {
    return address >> 12 << 10 | bits;
}

constexpr std::uint64_t leaf = 0xcf;  // V R W X A D

void stop_this() {
    call(SbiExtension::hsm, SbiHsm::hart_stop);
    println("failed: HSM hart_stop: it came back");
}

}  // namespace

bool takes(Interrupt interrupt, std::uint64_t ticks) {
    const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(interrupt);
    volatile bool& mine = taken[this_hart()];
    interrupt_handler = on_interrupt;
    mine = false;
    csr_write<Csr::sie>(bit);
    csr_set<Csr::sstatus>(2);
    eventually([&] { return bool{mine}; }, ticks);
    csr_clear<Csr::sstatus>(2);
    csr_write<Csr::sie>(0);
    return mine;
}

extern "C" [[noreturn]] void conformance_hart(std::uint64_t hart, std::uint64_t opaque,
                                              std::uint64_t satp, std::uint64_t sstatus) {
    csr_write<Csr::sscratch>(hart);
    Arrival& arrival = arrivals[hart];
    arrival.hart = hart;
    arrival.opaque = opaque;
    arrival.satp = satp;
    arrival.sstatus = sstatus;
    jobs[hart] = nullptr;  // of a job that stopped it
    ++arrival.count;
    for (;;) {
        if (void (*const job)() = jobs[hart]; job != nullptr) {
            job();
            void (*done)() = job;  // whoever saw its result may have given the next one
            jobs[hart].compare_exchange_strong(done, nullptr);
        }
    }
}

std::uint64_t entry_address() {
    return reinterpret_cast<std::uint64_t>(conformance_entry);
}

std::uint64_t resume_address() {
    return reinterpret_cast<std::uint64_t>(conformance_resume);
}

Resumed call_and_resume(SbiExtension extension, std::uint64_t function, std::uint64_t type,
                        std::uint64_t opaque) {
    std::array<std::uint64_t, 5> out{};
    conformance_suspend(type, resume_address(), opaque, out.data(), 0, 0, function,
                        static_cast<std::uint64_t>(extension));
    return {{static_cast<long>(out[0]), out[1]}, out[4] != 0, out[0], out[1], out[2], out[3]};
}

void check_resumed(std::string_view what, const Resumed& resumed, std::uint64_t opaque) {
    if (!resumed.elsewhere) {
        check_error(what, "a good call comes back elsewhere", resumed.result, {});
        return;
    }
    check_value(what, "a0 is the hart's id", resumed.a0, this_hart());
    check_value(what, "a1 is opaque", resumed.a1, opaque);
    check_value(what, "satp", resumed.satp, 0);
    check_value(what, "sstatus.SIE", resumed.sstatus & 2, 0);
}

bool start(std::size_t hart) {
    const unsigned before = arrivals[hart].count;
    return call(SbiExtension::hsm, SbiHsm::hart_start, hart, entry_address(), 0).ok() &&
           eventually([&] { return arrivals[hart].count != before; });
}

void begin_job(std::size_t hart, void (*job)()) {
    jobs[hart] = job;
}

bool job_is_done(std::size_t hart) {
    return eventually([&] { return jobs[hart] == nullptr; });
}

bool run_on(std::size_t hart, void (*job)()) {
    begin_job(hart, job);
    return job_is_done(hart);
}

bool stop(std::size_t hart) {
    begin_job(hart, stop_this);
    return eventually([&] { return state_of(hart) == 1; });
}

std::size_t other(std::size_t n) {
    const std::size_t hart = n < world.self ? n : n + 1;
    return hart < world.harts ? hart : max_harts;
}

std::array<Named, 4> bad_harts() {
    return {{{"the hart after the last", world.harts},
             {"hart 1000", beyond_all_harts},
             {"hart 2^32 and its own id", std::uint64_t{1} << 32 | world.self},
             {"hart -1", all_ones}}};
}

std::uint64_t state_of(std::size_t hart) {
    const SbiResult status = call(SbiExtension::hsm, SbiHsm::hart_get_status, hart);
    return status.ok() ? status.value : all_ones;
}

void map(std::uint64_t page, const void* frame) {
    static_cast<volatile std::uint64_t&>(bottom[page]) =
        pte(reinterpret_cast<std::uint64_t>(frame), leaf);
}

void turn_paging_on(std::uint64_t asid) {
    root[0] = pte(0, leaf);
    root[1] = pte(reinterpret_cast<std::uint64_t>(&middle), 1);
    root[2] = pte(0x8000'0000, leaf);
    middle[0] = pte(reinterpret_cast<std::uint64_t>(&bottom), 1);
    const std::uint64_t number = reinterpret_cast<std::uint64_t>(&root) >> 12;
    csr_write<Csr::satp>(std::uint64_t{8} << 60 | asid << 44 | number);
    asm volatile("sfence.vma" : : : "memory");
}

}  // namespace cairn::guest::conformance
