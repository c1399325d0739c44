// SPDX-License-Identifier: MIT
#include "kernel/vm/virtio/device_tasks.hpp"

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "kernel/arch/isa/csr_access.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

class Worker final : public DeviceTask {
  public:
    Worker(char name, int turns, std::string& log) : name_(name), turns_(turns), log_(log) {}
    bool work() override {
        log_ += name_;
        meanwhile();
        return --turns_ > 0;
    }
    std::function<void()> meanwhile = [] {};

  private:
    char name_;
    int turns_;
    std::string& log_;
};

}  // namespace

TEST_CASE("devices take turns until they have no more", "[device_tasks]") {
    DeviceTasks tasks;
    std::string log;
    Worker a('a', 3, log);
    Worker b('b', 1, log);
    CHECK(tasks.is_empty());
    CHECK_FALSE(tasks.do_some());
    tasks.want(a);
    tasks.want(b);
    tasks.want(a);  // as before
    CHECK_FALSE(tasks.is_empty());
    while (tasks.do_some()) {
    }
    CHECK(log == "abaa");
    CHECK(tasks.is_empty());
}

TEST_CASE("what is wanted while a hart is at it is done after that", "[device_tasks]") {
    DeviceTasks tasks;
    std::string log;
    Worker a('a', 1, log);
    a.meanwhile = [&] {
        CHECK(tasks.is_empty());  // nobody else takes it
        if (log.size() == 1) tasks.want(a);
    };
    tasks.want(a);
    while (tasks.do_some()) {
    }
    CHECK(log == "aa");
}

TEST_CASE("what is wanted at some time is not done before", "[device_tasks]") {
    fake_csr_access = [] {};
    csr_write<Csr::time>(100);
    DeviceTasks tasks;
    std::string log;
    Worker a('a', 1, log);
    Worker b('b', 1, log);
    Worker c('c', 2, log);
    tasks.want_at(a, 300);
    tasks.want_at(b, 200);
    tasks.want_at(b, 400);  // the earlier one counts
    CHECK(tasks.due() == 200);
    CHECK_FALSE(tasks.do_some());
    tasks.want(c);
    CHECK(tasks.due() == DeviceTasks::at_once);
    while (tasks.do_some()) {
    }
    CHECK(log == "cc");
    csr_write<Csr::time>(200);
    CHECK(tasks.do_some());
    CHECK(log == "ccb");
    CHECK(tasks.due() == 300);
    tasks.forget(a);
    CHECK(tasks.is_empty());
    csr_write<Csr::time>(0);
}

TEST_CASE("a device that always has work does not keep others from their time", "[device_tasks]") {
    fake_csr_access = [] {};
    csr_write<Csr::time>(100);
    DeviceTasks tasks;
    std::string log;
    Worker busy('b', 100, log);
    Worker alarm('a', 1, log);
    tasks.want(busy);
    tasks.want_at(alarm, 200);
    CHECK(tasks.do_some());
    csr_write<Csr::time>(200);
    CHECK(tasks.do_some());
    CHECK(tasks.do_some());
    CHECK(log == "bab");
    tasks.forget(busy);
    csr_write<Csr::time>(0);
}

TEST_CASE("a device is forgotten when the hart at it is through", "[device_tasks]") {
    DeviceTasks tasks;
    std::string log;
    Worker a('a', 2, log);
    Worker b('b', 1, log);
    std::atomic<bool> is_at_it = false;
    std::atomic<bool> may_end = false;
    a.meanwhile = [&] {
        is_at_it = true;
        while (!may_end)
            std::this_thread::yield();
    };
    tasks.want(a);
    std::jthread hart([&] { (void)tasks.do_some(); });
    while (!is_at_it)
        std::this_thread::yield();
    std::atomic<bool> is_forgotten = false;
    std::jthread owner([&] {
        tasks.forget(a);
        is_forgotten = true;
    });
    tasks.want(b);  // the lock is free meanwhile
    CHECK(tasks.do_some());
    for (int n = 0; n < 1000 && !is_forgotten; ++n)
        std::this_thread::yield();
    CHECK_FALSE(is_forgotten);
    may_end = true;
    hart.join();
    owner.join();
    CHECK(log == "ab");  // though it had more
    CHECK(tasks.is_empty());
}

TEST_CASE("a device that is forgotten is not worked for", "[device_tasks]") {
    DeviceTasks tasks;
    std::string log;
    Worker a('a', 2, log);
    Worker b('b', 1, log);
    tasks.want(a);
    tasks.want(b);
    tasks.forget(a);
    tasks.forget(a);  // is fine
    while (tasks.do_some()) {
    }
    CHECK(log == "b");
}
