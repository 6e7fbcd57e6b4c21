// bench/workloads/channel.hpp - a bounded queue between threads, for workloads that pass blocks along.
//
// Bounded, and full once before anything is taken out, so that peak RSS tells of the malloc and not of which side the
// scheduler favoured. Who finds it full waits until half of it is gone: threads that share a core change places once
// in many items, not at each.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

namespace bench {

template <class T>
class channel {
public:
    // At least `most` items must come through it, or the first pop waits for ever.
    explicit channel(std::size_t most) : most_(most) {}

    void push(T&& item) {
        std::unique_lock lock(guard_);
        if (items_.size() >= most_) room_.wait(lock, [this] { return items_.size() <= most_ / 2; });
        items_.push_back(std::move(item));
        const bool first_time_full = !was_full_ && items_.size() >= most_;
        was_full_ = was_full_ || first_time_full;
        const bool anything = was_full_;
        lock.unlock();
        if (first_time_full) work_.notify_all();
        else if (anything) work_.notify_one();
    }
    T pop() {
        std::unique_lock lock(guard_);
        work_.wait(lock, [this] { return was_full_ && !items_.empty(); });
        T item = std::move(items_.front());
        items_.pop_front();
        const bool half_gone = items_.size() == most_ / 2;
        lock.unlock();
        if (half_gone) room_.notify_all();
        return item;
    }

private:
    std::size_t most_;
    bool was_full_ = false;
    std::mutex guard_;
    std::condition_variable room_, work_;
    std::deque<T> items_;
};

}  // namespace bench
