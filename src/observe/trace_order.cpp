#include "trace_order.hpp"

#include <algorithm>

namespace ashlar {

trace_order::trace_order(const trace_source& source, const trace_index& index, trace_health& health, trace_stacks* stacks,
                         std::vector<memory_sample>& memory)
    : source_(source), index_(index), health_(health), stacks_(stacks), memory_(memory), threads_(index.threads.size()) {
    patience_ = std::max<std::uint64_t>(index.info.ticks_per_second / 1000, 1);  // a millisecond
    due_.reserve(threads_.size());
    for (std::uint32_t t = 0; t < threads_.size(); ++t) push(index.threads[t].start_ticks, t);
}

void trace_order::push(std::uint64_t ticks, std::uint32_t thread) {
    due_.push_back({ticks, thread});
    std::push_heap(due_.begin(), due_.end());
}

trace_order::due trace_order::pop() {
    std::pop_heap(due_.begin(), due_.end());
    const due d = due_.back();
    due_.pop_back();
    return d;
}

bool trace_order::next(event& e) {
    for (;;) {
        std::uint32_t thread;
        if (give_up_waiting(thread)) {
            const event& head = threads_[thread].head;
            const std::uint64_t released = head.released(), granted = head.granted();
            health_.foreign_releases += released != 0 && !live_.contains(released);
            health_.forced_grants += granted != 0 && granted != released && live_.contains(granted);
            happen(thread, e);
            return true;
        }
        if (due_.empty()) break;
        const due d = pop();
        thread_state& s = threads_[d.thread];
        if (s.at == stage::unbegun) {
            begin_thread(d.thread, e);
            return true;
        }
        if (s.at == stage::arrived && s.when.end != s.when.begin) {
            s.at = stage::moving;
            if (s.head.released() != 0) moving_.push_back(s.head.old_address);
            push(s.when.end, d.thread);
            continue;
        }
        if (must_wait(s.head, d.thread, d.ticks)) continue;
        happen(d.thread, e);
        return true;
    }
    if (index_.info.state == trace_state::replaced && !told_exec_) {
        told_exec_ = true;
        e = event{};
        e.kind = event_kind::exec;
        e.time_ns = std::max(last_ns_, index_.ns_of(index_.end_ticks));
        return true;
    }
    return false;
}

void trace_order::begin_thread(std::uint32_t thread, event& e) {
    const trace_thread& t = index_.threads[thread];
    threads_[thread].cursor = std::make_unique<trace_cursor>(
        source_, std::span(index_.chunks).subspan(t.first, t.last - t.first), health_, stacks_, packing_,
        index_, memory_);
    last_ns_ = std::max(last_ns_, index_.ns_of(t.start_ticks));
    e = event{};
    e.kind = event_kind::thread_begin;
    e.thread = thread;
    e.time_ns = last_ns_;
    advance(thread);
}

void trace_order::advance(std::uint32_t thread) {
    thread_state& s = threads_[thread];
    if (s.cursor->next(s.head, s.when)) {
        s.at = stage::arrived;
        push(s.when.begin, thread);
    } else {
        s.cursor.reset();
    }
}

bool trace_order::must_wait(const event& e, std::uint32_t thread, std::uint64_t ticks) {
    const std::uint64_t released = e.released(), granted = e.granted();
    if (released != 0 && !live_.contains(released)) {
        waiting_.push_back({released, ticks, thread, false});
        return true;
    }
    if (granted != 0 && granted != released && live_.contains(granted)) {
        waiting_.push_back({granted, ticks, thread, true});
        return true;
    }
    return false;
}

bool trace_order::give_up_waiting(std::uint32_t& thread) {
    if (waiting_.empty()) return false;
    const auto first = std::min_element(waiting_.begin(), waiting_.end(),
                                        [](const waiter& a, const waiter& b) { return a.ticks < b.ticks; });
    // What it waits for has begun before it: once every other thread is past that moment, it will not come.
    const bool may_come =
        !due_.empty() && (due_.front().ticks <= first->ticks || due_.front().ticks - first->ticks <= patience_);
    const bool under_way = !due_.empty() && first->for_release && is_moving(first->address);
    if ((may_come || under_way) && waiting_.size() <= waiting_limit) return false;
    thread = first->thread;
    waiting_.erase(first);
    return true;
}

void trace_order::happen(std::uint32_t thread, event& e) {
    thread_state& s = threads_[thread];
    e = s.head;
    e.thread = thread;
    last_ns_ = std::max(last_ns_, index_.ns_of(s.when.end));
    e.time_ns = last_ns_;
    const std::uint64_t released = e.released(), granted = e.granted();
    if (s.at == stage::moving && released != 0) stop_moving(released);
    if (released != granted) {
        if (released != 0) live_.erase(released);
        if (granted != 0) live_.insert(granted);
    } else if (granted != 0) {
        live_.insert(granted);
    }
    if (!waiting_.empty()) wake(released, granted);
    advance(thread);
}

void trace_order::wake(std::uint64_t released, std::uint64_t granted) {
    for (std::size_t i = 0; i < waiting_.size();) {
        const waiter w = waiting_[i];
        if (w.address == (w.for_release ? released : granted)) {
            waiting_[i] = waiting_.back();
            waiting_.pop_back();
            push(w.ticks, w.thread);
        } else {
            ++i;
        }
    }
}

void trace_order::stop_moving(std::uint64_t address) {
    const auto at = std::find(moving_.begin(), moving_.end(), address);
    if (at == moving_.end()) return;
    *at = moving_.back();
    moving_.pop_back();
}

bool trace_order::is_moving(std::uint64_t address) const noexcept {
    return std::find(moving_.begin(), moving_.end(), address) != moving_.end();
}

}  // namespace ashlar
