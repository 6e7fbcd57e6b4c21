// ashlar/testing/claims.hpp - what an allocator says about itself that its type does not tell.
//
// Layer:      testing
// Complexity: plain values.
// Failure:    a claim that is not true shows as a broken law.
// Threads:    plain values.
// Checked by: tests/testing/claims_test.cpp
//
// Most allocators claim nothing: the laws follow from their abilities. The exceptions are stated beside the
// enrolment, so that they can be read, and appear in the matrix.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <utility>

#include "ashlar/foundation/block.hpp"
#include "ashlar/foundation/layout.hpp"
#include "ashlar/testing/law.hpp"

namespace ashlar::testing {

template <class A>
struct claims {
    /// Whether a free run of those bytes is enough to serve the layout: the stated condition of law C4.
    /// Unset: an aligned run of the size asked for is enough.
    std::function<bool(const A&, block run, layout l)> serves;
    /// Only the newest live block is given back.
    bool last_in_first_out = false;
    /// It finds every misuse of a block by itself, without compose/validated.hpp.
    bool reports_misuse = false;
    /// Laws that the allocator does not keep, and why.
    std::array<std::string, law_count> excused;
};

/// States when a free run serves a layout, where that takes more than an aligned run of the size.
template <class Condition>
auto serves(Condition condition) {
    return [condition](auto& c) { c.serves = condition; };
}
/// States that blocks are given back newest first.
inline auto last_in_first_out() {
    return [](auto& c) { c.last_in_first_out = true; };
}
/// States that the allocator reports every misuse of a block through the contract handler.
inline auto reports_misuse() {
    return [](auto& c) { c.reports_misuse = true; };
}
/// States that a law is not kept. The reason is shown wherever the law's verdict is.
inline auto excuse(law l, std::string reason) {
    return [l, reason = std::move(reason)](auto& c) { c.excused[static_cast<std::size_t>(l)] = reason; };
}

}  // namespace ashlar::testing
