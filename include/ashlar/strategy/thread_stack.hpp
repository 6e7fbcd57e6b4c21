// ashlar/strategy/thread_stack.hpp - a stack for each thread, made when the thread first asks for it.
//
// Layer:      strategy
// Source:     Ierusalimschy, de Figueiredo, Celes, "The Implementation of Lua 5.0", Journal of Universal Computer
//             Science 11(7), 2005, section 7 (a stack that belongs to a thread of execution).
// Picture:    thread 1  [ used used | free ............ ]    a reserve each, from the page source
//             thread 2  [ used | free ................. ]
// Complexity: the first use by a thread takes Bytes from the page source, which become resident page by page as they are
//             first written; every other use costs a thread-local access.
// Failure:    where the page source refuses, the stack has no room and refuses everything; the next use asks again.
// Threads:    each has its own. At the thread's end the memory goes back; a block must not outlive its thread.
// Invariants: thread_stack.I1  it has its whole reserve or none
// Checked by: tests/strategy/thread_stack_test.cpp
#pragma once

#include <new>

#include "ashlar/foundation/ref.hpp"
#include "ashlar/os/page_source.hpp"
#include "ashlar/strategy/stack.hpp"

namespace ashlar {

template <os::page_source Pages = os::system_pages, std::size_t Bytes = std::size_t{1} << 20>
    requires stateless<Pages>
class thread_stack {
public:
    static stack& of_this_thread() noexcept {
        thread_local thread_stack mine;
        if (mine.stack_.capacity() == 0) [[unlikely]] mine.take_reserve();
        return mine.stack_;
    }
    thread_stack(const thread_stack&) = delete;
    thread_stack& operator=(const thread_stack&) = delete;

private:
    thread_stack() noexcept : stack_(block{nullptr, 0}) {}
    ~thread_stack() {
        stack_.~stack();  // it lets the tools touch the memory again
        if (reserve_.data != nullptr) give_back();
        ::new (static_cast<void*>(&stack_)) stack(block{nullptr, 0});
    }

    void take_reserve() noexcept {
        const std::size_t unit = pages_->page_size();
        const auto reserved = pages_->reserve(align_up(Bytes, unit), unit);
        if (!reserved) return;
        reserve_ = *reserved;
        if (!pages_->commit(reserve_.data, reserve_.size)) return give_back();
        stack_.~stack();  // nothing was ever granted from it
        ::new (static_cast<void*>(&stack_)) stack(reserve_);
    }
    void give_back() noexcept {
        if (!pages_->release(reserve_.data, reserve_.size)) {
            static_cast<void>(pages_->decommit(reserve_.data, reserve_.size));
        }
        reserve_ = {nullptr, 0};  // thread_stack.I1
    }

    [[no_unique_address]] ref<Pages> pages_;
    block reserve_{nullptr, 0};
    stack stack_;
};

}  // namespace ashlar
