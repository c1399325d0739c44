// SPDX-License-Identifier: MIT
#include "kernel/host/drivers/interrupt_router.hpp"

#include <vector>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

class Controller final : public HostInterruptController {
  public:
    bool enable(std::uint32_t number) override {
        enabled.push_back(number);
        return works;
    }
    std::uint32_t claim() override {
        if (pending.empty()) return 0;
        const std::uint32_t first = pending.front();
        pending.erase(pending.begin());
        return first;
    }
    void complete(std::uint32_t number) override { completed.push_back(number); }

    bool works = true;
    std::vector<std::uint32_t> enabled;
    std::vector<std::uint32_t> pending;
    std::vector<std::uint32_t> completed;
};

class Handler final : public InterruptHandler {
  public:
    void interrupted() override { ++calls; }
    int calls = 0;
};

using Numbers = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("an interrupt goes to its handler, and comes again once it is finished",
          "[interrupt_router]") {
    Controller controller;
    Handler handler;
    InterruptRouter router;
    router.serve_next();  // nothing is started
    router.start(controller);
    REQUIRE(router.wire(HostSource::console, 10));
    CHECK(controller.enabled == Numbers{10});
    router.handle_by(HostSource::console, handler);
    router.serve_next();
    CHECK(handler.calls == 0);  // nothing is pending
    controller.pending = {10, 10};
    router.serve_next();
    CHECK(handler.calls == 1);  // one at a time
    CHECK(controller.completed.empty());
    router.finish(HostSource::console);
    router.finish(HostSource::console);  // once is enough
    CHECK(controller.completed == Numbers{10});
    router.serve_next();
    CHECK(handler.calls == 2);
}

TEST_CASE("what nobody asked for is completed; what nobody handles stays quiet",
          "[interrupt_router]") {
    Controller controller;
    InterruptRouter router;
    router.start(controller);
    REQUIRE(router.wire(HostSource::console, 10));
    controller.pending = {7, 10};
    router.serve_next();
    CHECK(controller.completed == Numbers{7});
    router.serve_next();
    CHECK(controller.completed == Numbers{7});
    router.finish(HostSource::console);
    CHECK(controller.completed == Numbers{7, 10});
}

TEST_CASE("a source is wired where the controller takes it", "[interrupt_router]") {
    Controller controller;
    InterruptRouter router;
    CHECK(!router.wire(HostSource::console, 10));  // not started
    router.start(controller);
    CHECK(!router.wire(HostSource::console, 0));
    controller.works = false;
    CHECK(!router.wire(HostSource::console, 10));
    controller.pending = {10};
    router.serve_next();
    CHECK(controller.completed == Numbers{10});
}
