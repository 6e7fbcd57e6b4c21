#include "trace_order.hpp"

#include <algorithm>
#include <utility>

namespace ashlar {

trace_order::trace_order(const trace_source& source, const trace_index& index, trace_health& health, trace_stacks* stacks,
                         std::vector<memory_sample>& memory, trace_texts& texts)
    : of_{source, index, health, stacks, memory, texts}, threads_(index.threads.size()) {
    patience_ = std::max<std::uint64_t>(index.info.ticks_per_second / 1000, 1);  // a millisecond
    due_.reserve(threads_.size());
    for (std::uint32_t t = 0; t < threads_.size(); ++t) push({index.threads[t].start_ticks, t});
    if (index.is_packed && index.chunks.size() >= chunks_worth_a_thread) of_.ahead.emplace(source);
}

void trace_order::push(due d) {
    due_.push_back(d);
    std::push_heap(due_.begin(), due_.end());
}

trace_order::due trace_order::pop() {
    std::pop_heap(due_.begin(), due_.end());
    const due d = due_.back();
    due_.pop_back();
    return d;
}

/// The event happens, unless it contradicts the live addresses. @returns whether it has happened
[[gnu::always_inline]] inline bool trace_order::changes_live(const trace_cursor::noted& n) {
    if (n.released == n.granted) return n.released == 0 || of_.live.contains(n.released);
    if (n.granted == 0) return of_.live.erase(n.released);
    if (n.released == 0) return of_.live.insert(n.granted);
    if (!of_.live.contains(n.released) || of_.live.contains(n.granted)) return false;
    of_.live.erase(n.released);
    of_.live.insert(n.granted);
    return true;
}

/// Completes the event.
[[gnu::always_inline]] inline const event* trace_order::give(std::uint32_t thread, trace_cursor::noted& n) {
    last_ns_ = std::max(last_ns_, of_.index.ns_of(n.when.end));
    n.what.thread = thread;
    n.what.time_ns = last_ns_;
    given_ = thread;
    return &n.what;
}

const event* trace_order::next() {
    if (given_ != none) {
        const std::uint32_t thread = std::exchange(given_, none);
        trace_cursor::noted* const n = threads_[thread].cursor->next();
        // A thread is mostly followed by itself: what ends before all others are due, and contradicts nothing, happens.
        const std::uint64_t others = due_.empty() ? UINT64_MAX : due_.front().ticks;
        if (n != nullptr && n->when.end < others && waiting_.empty() && changes_live(*n)) [[likely]] return give(thread, *n);
        advance(thread, n);
    }
    for (;;) {
        std::uint32_t thread;
        if (!waiting_.empty() && give_up_waiting(thread)) return happen_anyway(thread);
        if (due_.empty()) return end_trace();
        const due d = pop();
        thread_state& s = threads_[d.thread];
        if (s.at == stage::unbegun) return begin_thread(d.thread);
        const trace_cursor::noted& n = *s.head;
        if (s.at == stage::arrived && n.when.end != n.when.begin) {
            s.at = stage::moving;
            if (n.released != 0) moving_.push_back({n.released, d.thread});
            push({n.when.end, d.thread});
            continue;
        }
        if (changes_live(n)) return happen(d.thread);
        if (const event* const moved = finish_move_of(n.granted, d.ticks)) return push(d), moved;
        wait(n, d);
    }
}

const event* trace_order::end_trace() {
    if (of_.index.info.state != trace_state::replaced || told_exec_) return nullptr;
    told_exec_ = true;
    fact_ = event{};
    fact_.kind = event_kind::exec;
    fact_.time_ns = std::max(last_ns_, of_.index.ns_of(of_.index.end_ticks));
    return &fact_;
}

const event* trace_order::begin_thread(std::uint32_t thread) {
    const trace_thread& t = of_.index.threads[thread];
    threads_[thread].cursor = std::make_unique<trace_cursor>(of_, std::span(of_.index.chunks).subspan(t.first, t.last - t.first));
    last_ns_ = std::max(last_ns_, of_.index.ns_of(t.start_ticks));
    fact_ = event{};
    fact_.kind = event_kind::thread_begin;
    fact_.thread = thread;
    fact_.time_ns = last_ns_;
    given_ = thread;
    return &fact_;
}

/// to: its next event, or null
void trace_order::advance(std::uint32_t thread, trace_cursor::noted* to) {
    thread_state& s = threads_[thread];
    s.head = to;
    if (to != nullptr) {
        s.at = stage::arrived;
        push({to->when.begin, thread});
    } else {
        s.cursor.reset();
    }
}

/// Somebody has been granted the old address of a move under way: so it had its new one already, and gave the old one back, by
/// now. To wait for its end would hold up all that follows in the other's thread, past what happens there to blocks of third ones.
/// @returns the move, or null if there is none, or it waits for something itself
const event* trace_order::finish_move_of(std::uint64_t address, std::uint64_t now) {
    const auto is_it = [=](const move_under_way& m) { return m.old == address; };
    const auto move = address != 0 ? std::find_if(moving_.begin(), moving_.end(), is_it) : moving_.end();
    if (move == moving_.end()) return nullptr;
    const std::uint32_t mover = move->thread;
    const auto its_end = std::find_if(due_.begin(), due_.end(), [=](const due& d) { return d.thread == mover; });
    trace_cursor::noted& n = *threads_[mover].head;
    // A damaged trace may tell two moves of one block, and the other has ended.
    if (its_end == due_.end() || threads_[mover].at != stage::moving || n.released != address || n.granted == address) return nullptr;
    if (!changes_live(n)) return nullptr;
    due_.erase(its_end);
    std::make_heap(due_.begin(), due_.end());
    n.when.end = std::min(n.when.end, now);
    return happen(mover);
}

/// @pre changes_live(n) was false
void trace_order::wait(const trace_cursor::noted& n, due d) {
    const bool for_grant = n.released != 0 && !of_.live.contains(n.released);
    waiting_.push_back({for_grant ? n.released : n.granted, d.ticks, d.thread, !for_grant});
}

/// @pre somebody waits
bool trace_order::give_up_waiting(std::uint32_t& thread) {
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

/// What its thread waited for will not come.
const event* trace_order::happen_anyway(std::uint32_t thread) {
    const std::uint64_t released = threads_[thread].head->released, granted = threads_[thread].head->granted;
    of_.health.foreign_releases += released != 0 && !of_.live.contains(released);
    of_.health.forced_grants += granted != 0 && granted != released && of_.live.contains(granted);
    if (released != 0 && released != granted) of_.live.erase(released);
    if (granted != 0) of_.live.insert(granted);
    return happen(thread);
}

/// @pre the live addresses are as after it
const event* trace_order::happen(std::uint32_t thread) {
    const thread_state& s = threads_[thread];
    trace_cursor::noted& n = *s.head;
    if (s.at == stage::moving && n.released != 0) stop_moving(n.released);
    if (!waiting_.empty()) wake(n.released, n.granted);
    return give(thread, n);
}

void trace_order::wake(std::uint64_t released, std::uint64_t granted) {
    for (std::size_t i = 0; i < waiting_.size();) {
        const waiter w = waiting_[i];
        if (w.address == (w.for_release ? released : granted)) {
            waiting_[i] = waiting_.back();
            waiting_.pop_back();
            push({w.ticks, w.thread});
        } else {
            ++i;
        }
    }
}

void trace_order::stop_moving(std::uint64_t address) {
    const auto at = std::find_if(moving_.begin(), moving_.end(), [=](const move_under_way& m) { return m.old == address; });
    if (at == moving_.end()) return;
    *at = moving_.back();
    moving_.pop_back();
}

bool trace_order::is_moving(std::uint64_t address) const noexcept {
    return std::any_of(moving_.begin(), moving_.end(), [=](const move_under_way& m) { return m.old == address; });
}

}  // namespace ashlar
