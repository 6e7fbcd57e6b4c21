// Runs an act that must break a contract, and tells which condition it broke.
//
// The act is left by longjmp, as contract.hpp allows a handler to do: it must hold nothing with a destructor.
// What the act worked on is in an unknown state afterwards and may only be thrown away.
#pragma once

#include <csetjmp>
#include <string>

#include "ashlar/foundation/contract.hpp"

namespace support {

inline std::jmp_buf broken_contract_exit;
inline ashlar::contract_violation broken_contract_seen;

/// @returns the broken condition as it is written in the source; empty if the act broke none
template <class Act>
std::string broken_contract(Act act) {
    const auto before = ashlar::set_contract_handler([](const ashlar::contract_violation& violation) {
        broken_contract_seen = violation;
        std::longjmp(broken_contract_exit, 1);
    });
    std::string condition;
    if (setjmp(broken_contract_exit) == 0) {
        act();
    } else {
        condition = broken_contract_seen.condition;
    }
    ashlar::set_contract_handler(before);
    return condition;
}

}  // namespace support
