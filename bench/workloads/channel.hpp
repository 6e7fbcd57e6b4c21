// bench/workloads/channel.hpp - a bounded queue between threads, for workloads that pass blocks along.
//
// Bounded, so that peak RSS tells of the malloc and not of which side the scheduler favoured.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

namespace bench {

template <class T>
class channel {
public:
    explicit channel(std::size_t most) : most_(most) {}

    void push(T&& item) {
        std::unique_lock lock(guard_);
        room_.wait(lock, [this] { return items_.size() < most_; });
        items_.push_back(std::move(item));
        work_.notify_one();
    }
    T pop() {
        std::unique_lock lock(guard_);
        work_.wait(lock, [this] { return !items_.empty(); });
        T item = std::move(items_.front());
        items_.pop_front();
        room_.notify_one();
        return item;
    }

private:
    std::size_t most_;
    std::mutex guard_;
    std::condition_variable room_, work_;
    std::deque<T> items_;
};

}  // namespace bench
