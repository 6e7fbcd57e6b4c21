#undef ASHLAR_CHECKS
#define ASHLAR_CHECKS 2
#include "ashlar/foundation/contract.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <cstring>

#include "support/broken_contract.hpp"
#include "support/in_child.hpp"

using support::broken_contract;
using support::in_child;

namespace {
int evaluated = 0;
bool counted(bool value) {
    ++evaluated;
    return value;
}
}  // namespace

TEST_CASE("contract: a condition that holds costs its evaluation and nothing else", "[foundation][contract]") {
    evaluated = 0;
    CHECK(broken_contract([] {
        ASHLAR_PRE(counted(true));
        ASHLAR_INVARIANT(counted(true));
    }).empty());
    CHECK(evaluated == 2);
}

TEST_CASE("contract: the handler is told the kind, the condition, the file and the line",
          "[foundation][contract]") {
    std::uint32_t line = 0;
    CHECK(broken_contract([&] {
        line = __LINE__; ASHLAR_PRE(1 + 1 == 3);
    }) == "1 + 1 == 3");
    CHECK(std::string(support::broken_contract_seen.kind) == "precondition");
    CHECK(std::strstr(support::broken_contract_seen.file, "contract_test.cpp") != nullptr);
    CHECK(support::broken_contract_seen.line == line);
    CHECK(broken_contract([] { ASHLAR_INVARIANT(false); }) == "false");
    CHECK(std::string(support::broken_contract_seen.kind) == "invariant");
}

TEST_CASE("contract: without a handler, or with one that returns, the process stops", "[foundation][contract]") {
    const auto stops = [](ashlar::contract_handler handler) {
        return in_child([=] {
                   for (const int caught : {SIGILL, SIGTRAP, SIGABRT}) std::signal(caught, SIG_DFL);
                   ashlar::set_contract_handler(handler);
                   ASHLAR_PRE(false);
                   return 0;
               }).signal;
    };
    CHECK(stops(nullptr) != 0);
    CHECK(stops([](const ashlar::contract_violation&) {}) != 0);
}

TEST_CASE("contract: setting a handler gives back the one before", "[foundation][contract]") {
    const ashlar::contract_handler mine = [](const ashlar::contract_violation&) {};
    const auto before = ashlar::set_contract_handler(mine);
    CHECK(ashlar::set_contract_handler(before) == mine);
}
