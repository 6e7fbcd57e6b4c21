// ashlar/foundation/intrusive_list.hpp - a doubly linked list whose links lie in its elements.
//
// Layer:      foundation
// Source:     Knuth, "The Art of Computer Programming", volume 1, section 2.2.5 (circular, with a list head).
// Picture:    head <-> first <-> ... <-> last <-> head
// Complexity: every operation O(1) but for_each and size, which are O(n); never allocates.
// Failure:    none.
// Threads:    one at a time.
// Invariants: intrusive_list.I1  x.next.prev == x for the head and every element
//             intrusive_list.I2  an element that is in no list has null links
// Checked by: tests/foundation/intrusive_list_test.cpp
//
// An element derives from list_links. Allocators keep free blocks in it: the links stand in the free memory.
#pragma once

#include <concepts>
#include <cstddef>

#include "ashlar/foundation/contract.hpp"

namespace ashlar {

class list_links {
public:
    /// Whether it is an element of a list.
    bool is_linked() const noexcept { return next_ != nullptr; }

private:
    template <class T>
    friend class intrusive_list;
    list_links* prev_ = nullptr;
    list_links* next_ = nullptr;
};

template <class T>
class intrusive_list {
public:
    intrusive_list() noexcept { clear(); }
    intrusive_list(const intrusive_list&) = delete;  // the elements point at the head
    intrusive_list& operator=(const intrusive_list&) = delete;

    void push_front(T& element) noexcept { link_behind(head_, element); }
    void push_back(T& element) noexcept { link_behind(*head_.prev_, element); }
    /// @pre !empty()
    T& pop_front() noexcept {
        T& element = front();
        remove(element);
        return element;
    }
    /// @pre the element is in this list
    void remove(T& element) noexcept {
        list_links& links = element;
        ASHLAR_PRE(links.is_linked());
        ASHLAR_PRE(links.prev_->next_ == &links && links.next_->prev_ == &links);  // intrusive_list.I1
        links.prev_->next_ = links.next_;
        links.next_->prev_ = links.prev_;
        links.prev_ = links.next_ = nullptr;
    }
    /// The bytes of an element of this list were moved here, and its old place may be gone: tells its neighbours.
    void follow(T& element) noexcept {
        list_links& links = element;
        links.prev_->next_ = links.next_->prev_ = &links;  // intrusive_list.I1
    }
    /// Forgets every element without touching it: for elements whose memory is gone.
    void clear() noexcept { head_.prev_ = head_.next_ = &head_; }

    bool empty() const noexcept { return head_.next_ == &head_; }
    /// @pre !empty()
    T& front() const noexcept {
        ASHLAR_PRE(!empty());
        return static_cast<T&>(*head_.next_);
    }
    /// @pre !empty()
    T& back() const noexcept {
        ASHLAR_PRE(!empty());
        return static_cast<T&>(*head_.prev_);
    }
    /// Calls visit(T&) from front to back; visit may remove the element it is given.
    template <class Visit>
    void for_each(Visit visit) const {
        for (list_links* at = head_.next_; at != &head_;) {
            list_links* const next = at->next_;
            visit(static_cast<T&>(*at));
            at = next;
        }
    }
    std::size_t size() const noexcept {
        std::size_t count = 0;
        for_each([&](T&) { ++count; });
        return count;
    }
    /// @returns whether intrusive_list.I1 holds
    bool consistent() const noexcept {
        const list_links* at = &head_;
        do {
            if (at->next_ == nullptr || at->next_->prev_ != at) return false;
            at = at->next_;
        } while (at != &head_);
        return true;
    }

private:
    static void link_behind(list_links& before, T& element) noexcept {
        static_assert(std::derived_from<T, list_links>);
        list_links& links = element;
        ASHLAR_PRE(!links.is_linked());  // intrusive_list.I2
        links.prev_ = &before;
        links.next_ = before.next_;
        before.next_->prev_ = &links;
        before.next_ = &links;
    }

    list_links head_;
};

}  // namespace ashlar
