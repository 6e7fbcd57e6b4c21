// ashlar/malloc/heap_sleeping.hpp - heap: what goes back of the heap of a thread that sleeps.
//
// Layer:      malloc
// Source:     Dice, Huang, Yang, "Asymmetric Dekker synchronization", 2001, by way of fork_gate.hpp.
// Picture:    mail_ of a sleeper -> span with all its blocks freed by others  --> the store
//                                -> span with a block in use                  --> stays in mail_
//             partial_[class] of a sleeper -> span kept empty                 --> the store
// Complexity: O(spans in the mailbox, and those that it keeps).
// Failure:    none; what is not certain stays.
// Threads:    any, while the gate is closed and the owner outside.
// Invariants: heap_sleeping.I1  a span goes only if no block of it is in use, on a list or about to be pushed: then the
//                               owner's fast paths, which the gate does not stop, have nothing to do with it
// Checked by: tests/malloc/heap_sleeping_test.cpp, tests/malloc/program/sleepers.cpp
//
// A thread that fills a table and then waits for its workers would hold all that they free, for it reads no mail.
#pragma once

#include "ashlar/malloc/heap.hpp"

namespace ashlar::malloc {

/// @pre the gate is closed, the thread of this heap outside. @returns bytes of blocks that went back
template <class Store>
std::size_t heap<Store>::give_back_asleep() noexcept {
    std::size_t bytes = 0;
    for (span_type* s = mail_.take_all(); s != nullptr;) {
        span_type* const next = s->next_in_mail;
        if (s->owner.load(std::memory_order_relaxed) != this || !all_came_home(*s)) {
            static_cast<heap*>(s->owner.load(std::memory_order_relaxed))->mail_.announce(s);  // remote_list.I1
        } else {
            s->remote.take();
            bytes += s->carved() * s->block_size;
            (s->held != 0 ? full_ : partial_[s->size_class]).remove(s);
            s->countdown = 0;
            s->held = 0;
            store_->give_span(s);
        }
        s = next;
    }
    for (auto& list : partial_) {
        for (span_type* s = list.front(); s != nullptr;) {
            span_type* const next = s->next;
            if (s->is_closed() && s->used() == 0) {  // kept though it is empty (span.I3)
                kept_ -= s->carved() * s->block_size;
                bytes += s->carved() * s->block_size;
                list.remove(s);
                store_->give_span(s);
            }
            s = next;
        }
    }
    return bytes;
}

/// The owner may push a block of it at this moment: its count of blocks out only falls, that of blocks on their way home only
/// grows, and they meet when nobody has one. At a countdown of 0 the owner is about to see to the span itself.
template <class Store>
bool heap<Store>::all_came_home(const span_type& s) noexcept {
    const std::uint32_t countdown = detail::glance(s.countdown);
    return countdown != 0 && countdown + s.held == s.remote.count();
}

}  // namespace ashlar::malloc
