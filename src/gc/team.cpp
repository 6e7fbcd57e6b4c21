// Marking by several threads. What has been marked already when they begin, and what they find, are bits of one map.
#include "team.hpp"

#include <new>
#include <optional>
#include <system_error>
#include <thread>

namespace ashlar::gc::detail {

/// Puts a part of the stack where others find it.
void marking_team::offer(shared_marker& m) noexcept {
    const std::lock_guard lock(pool_);
    if (chunks_ == chunk_count || m.height() < 8) return;
    chunk& c = given_[chunks_];
    c.words = m.give(c.entries, chunk_words);
    if (c.words == 0) return;
    ++chunks_;
    changed_.notify_one();
}

/// @returns whether there is more to do; waits until that is known
bool marking_team::take(shared_marker& m) noexcept {
    std::unique_lock lock(pool_);
    hungry_.fetch_add(1, std::memory_order_relaxed);  // pairs with the load in work(): a hint, the pool has its lock
    if (hungry_.load(std::memory_order_relaxed) == members_ && chunks_ == 0) {  // changed under the lock only
        over_ = true;
        changed_.notify_all();
    }
    changed_.wait(lock, [this] { return chunks_ != 0 || over_; });
    if (over_) return false;
    const chunk& c = given_[--chunks_];
    m.receive(c.entries, c.words);
    hungry_.fetch_sub(1, std::memory_order_relaxed);  // as above
    return true;
}

void marking_team::work(shared_marker& m) noexcept {
    do {
        while (m.drain(256) == 256) {
            if (hungry_.load(std::memory_order_relaxed) != 0) offer(m);  // pairs with the changes in take(): a hint
        }
    } while (take(m));
}

void marking_team::drain(marker& first, any_ref upstream, unsigned threads, std::size_t most_bytes) noexcept {
    constexpr unsigned most_threads = 8;
    const unsigned wanted = threads < most_threads ? threads : most_threads;
    const std::size_t each = most_bytes > first.bytes() ? (most_bytes - first.bytes()) / wanted : 0;
    marking_team team;
    std::optional<shared_marker> markers[most_threads];
    std::optional<std::thread> helpers[most_threads];
    for (team.members_ = 0; team.members_ != wanted; ++team.members_) markers[team.members_].emplace(upstream, each, &team);
    markers[0]->take_stack(first);
    for (unsigned i = 1; i < wanted; ++i) {
        try {
            helpers[i].emplace([&team, &m = *markers[i]] { team.work(m); });
        } catch (const std::system_error&) {
            team.leave();
        }
    }
    team.work(*markers[0]);
    for (auto& h : helpers) {
        if (h) h->join();
    }
    for (unsigned i = 0; i != wanted; ++i) first.take_over(*markers[i]);
}

/// Of one that could not be started: the one that starts them works last, and sees it.
void marking_team::leave() noexcept {
    const std::lock_guard lock(pool_);
    --members_;
}

}  // namespace ashlar::gc::detail
