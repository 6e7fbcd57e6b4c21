// tests/support/small_candidates.hpp - strategies of small chunks, for tests of what chooses among them.
#pragma once

#include "ashlar/strategy/arena.hpp"
#include "ashlar/strategy/best_fit.hpp"
#include "ashlar/strategy/free_list.hpp"
#include "ashlar/strategy/pool.hpp"

namespace test_candidates {

template <class U>
struct cursor : ashlar::arena<U> {
    explicit cursor(ashlar::ref<U> upstream) noexcept : ashlar::arena<U>(upstream, {.first_chunk = 1024, .growth = 1}) {}
};
template <class U>
struct blocks_of_64 : ashlar::pool<64, 16, U> {
    explicit blocks_of_64(ashlar::ref<U> upstream) noexcept : ashlar::pool<64, 16, U>(upstream, {1024, 4096}) {}
};
template <class U>
struct heap : ashlar::free_list<ashlar::best_fit, U> {
    explicit heap(ashlar::ref<U> upstream) noexcept : ashlar::free_list<ashlar::best_fit, U>(upstream, 4096) {}
};

}  // namespace test_candidates
