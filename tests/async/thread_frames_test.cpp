// The thread's own cache: frames that other threads destroy, that outlive their thread, and scopes that name an allocator.
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "ashlar/async/thread_frames.hpp"
#include "ashlar/strategy/bump.hpp"

using namespace ashlar;

TEST_CASE("thread_frames: a frame that another thread destroys serves its own thread again", "[async][thread_frames]") {
    trim_frames();
    void* const mine = allocate_frame(2000);
    std::thread([mine] { deallocate_frame(mine, 2000); }).join();
    void* const again = allocate_frame(2000);
    CHECK(again == mine);
    deallocate_frame(again, 2000);
}

TEST_CASE("thread_frames: frames outlive their thread, and the next thread takes its cache over", "[async][thread_frames]") {
    void* orphans[10] = {};
    frame_origin* first = nullptr;
    frame_origin* second = nullptr;
    std::thread([&] {
        for (void*& f : orphans) f = allocate_frame(500);
        first = frame_header::of(orphans[0]).origin;
    }).join();
    for (int i = 0; i < 5; ++i) deallocate_frame(orphans[i], 500);
    std::thread([&] {
        void* const f = allocate_frame(500);
        second = frame_header::of(f).origin;
        for (int i = 5; i < 10; ++i) deallocate_frame(orphans[i], 500);
        deallocate_frame(f, 500);
    }).join();
    CHECK(first != nullptr);
    CHECK(first == second);
}

TEST_CASE("thread_frames: a coroutine of a thread's last destructors has its frame", "[async][thread_frames]") {
    struct late {
        bool* served;
        ~late() {
            void* const f = allocate_frame(300);
            *served = f != nullptr;
            deallocate_frame(f, 300);
        }
    };
    bool served = false;
    std::thread([&served] {
        static thread_local late last{&served};  // made before the cache, so destroyed after it
        static_cast<void>(&last);
        deallocate_frame(allocate_frame(300), 300);
    }).join();
    CHECK(served);
}

TEST_CASE("thread_frames: two threads hand each other frames, and none is lost or given twice", "[async][thread_frames]") {
    constexpr int rounds = 500;
    std::atomic<void*> box{nullptr};
    std::atomic<int> wrong{0};
    std::thread other([&] {
        for (int i = 0; i < rounds;) {
            void* const f = box.exchange(nullptr, std::memory_order_acquire);
            if (f == nullptr) {
                box.wait(nullptr, std::memory_order_relaxed);
                continue;
            }
            box.notify_one();
            if (*static_cast<int*>(f) != i) ++wrong;
            deallocate_frame(f, 64 + static_cast<std::size_t>(i % 7) * 100);
            ++i;
        }
    });
    for (int i = 0; i < rounds; ++i) {
        void* const f = allocate_frame(64 + static_cast<std::size_t>(i % 7) * 100);
        *static_cast<int*>(f) = i;
        while (void* const full = box.load(std::memory_order_relaxed)) box.wait(full, std::memory_order_relaxed);
        box.store(f, std::memory_order_release);
        box.notify_one();
    }
    other.join();
    CHECK(wrong == 0);
}

TEST_CASE("thread_frames: a scope's allocator serves the thread, scopes nest, and frames go back where they came from",
          "[async][thread_frames]") {
    alignas(16) static std::byte bytes[2][4096];
    bump outer({bytes[0], sizeof bytes[0]}), inner({bytes[1], sizeof bytes[1]});
    void* const before = allocate_frame(100);
    void *in_outer, *in_inner;
    {
        ambient_frames scope(outer);
        in_outer = allocate_frame(100);
        {
            ambient_frames within(inner);
            in_inner = allocate_frame(100);
            deallocate_frame(before, 100);  // back to the thread's cache all the same
        }
        void* const second = allocate_frame(100);
        CHECK(outer.owns(static_cast<std::byte*>(second)));
        deallocate_frame(second, 100);
    }
    CHECK(outer.owns(static_cast<std::byte*>(in_outer)));
    CHECK(inner.owns(static_cast<std::byte*>(in_inner)));
    void* const after = allocate_frame(100);
    CHECK(after == before);
    deallocate_frame(in_inner, 100);
    deallocate_frame(in_outer, 100);
    deallocate_frame(after, 100);
    CHECK(outer.room() == outer.capacity());
}
