// tests/support/watched_pages.hpp - a failing page source whose calls the law sweeps refuse in turn.
#pragma once

#include <optional>
#include <string>

#include "ashlar/os/failing_pages.hpp"
#include "ashlar/testing/ground.hpp"

namespace ashlar::tests {

/// The n-th request refuses a reservation (odd n) or a commitment (even n). A refused release is no request: the
/// addresses then stay taken, as os/platform.hpp allows.
inline os::failing_pages<>& watched_pages(testing::ground& g) {
    auto& pages = g.keep<os::failing_pages<>>();
    g.watch({[&pages](std::size_t n, failure how) {
                 if (n == 0) return pages.heal();
                 const auto kind = n % 2 != 0 ? os::page_call::reserve : os::page_call::commit;
                 pages.fail(kind, (n + 1) / 2, how == failure::once ? os::lasting::once : os::lasting::onwards);
             },
             [&pages] { return pages.refusals(); },
             [&pages]() -> std::optional<std::string> {
                 if (pages.balanced()) return std::nullopt;
                 return "the allocator ended with pages still reserved";
             }});
    return pages;
}

}  // namespace ashlar::tests
