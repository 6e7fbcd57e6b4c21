// frame_loop - a game's main loop that never asks the system for memory while it plays.
//
// Two lifetimes, two allocators. What a level is made of lives as long as the level: an arena, reset between levels. What
// a frame works out lives until the frame is drawn: a stack, one frame of it per frame of the game, and one within that
// for a pass whose results are not needed afterwards. Nothing is freed by hand, and nothing can be left behind.
//
// The same game then runs on the host's malloc, for comparison, and must play alike.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <span>

#include "ashlar/foundation/operations.hpp"
#include "ashlar/strategy/arena.hpp"
#include "ashlar/strategy/stack.hpp"
#include "ashlar/strategy/system.hpp"

namespace {

struct body {
    float x, y, dx, dy;
    std::uint32_t id;
    std::span<float> trail;  // where it was: a small block of its own
};
struct command {
    std::uint32_t depth, id;
};

constexpr int levels = 3, frames = 200;
constexpr std::uint32_t side = 32;  // the world is side by side cells

/// n values of T. @pre the allocator has room: this game sizes its memory beforehand
template <class T, class A>
std::span<T> array(A& memory, std::size_t n) {
    const auto granted = memory.allocate(*ashlar::layout::array<T>(n));
    return {::new (granted.value().data) T[n]{}, n};
}

/// A list that grows where it stands while it is the newest thing on the stack.
template <class T, class A>
class list {
public:
    explicit list(A& memory) : memory_(memory), held_(array<T>(memory, 64)) {}
    void push(T value) {
        if (size_ == held_.size()) {
            const auto old = *ashlar::layout::array<T>(size_), twice = *ashlar::layout::array<T>(2 * size_);
            auto* const bytes = reinterpret_cast<std::byte*>(held_.data());
            held_ = {reinterpret_cast<T*>(ashlar::reallocate(memory_, bytes, old, twice, old.size())->data), 2 * size_};
        }
        held_[size_++] = value;
    }
    std::span<T> all() const { return held_.first(size_); }
    std::size_t capacity() const { return held_.size(); }

private:
    A& memory_;
    std::span<T> held_;
    std::size_t size_ = 0;
};

template <class A, class T>
void free_in(A& memory, std::span<T> values) {
    memory.deallocate(reinterpret_cast<std::byte*>(values.data()), *ashlar::layout::array<T>(values.size()));
}

std::uint32_t cell_of(const body& b) {
    const auto column = static_cast<std::uint32_t>(b.x) % side, row = static_cast<std::uint32_t>(b.y) % side;
    return row * side + column;
}

/// Bodies in one cell push each other. Its tables are gone when it returns.
template <class A>
void collide(A& memory, std::span<body> bodies) {
    const auto heads = array<std::uint32_t>(memory, side * side);
    const auto next = array<std::uint32_t>(memory, bodies.size());
    for (std::uint32_t i = 0; i < bodies.size(); ++i) {
        std::uint32_t& head = heads[cell_of(bodies[i])];
        if (head != 0) std::swap(bodies[i].dx, bodies[head - 1].dx);
        next[i] = head;
        head = i + 1;
    }
    if constexpr (!ashlar::optional_deallocate<A>) {
        free_in(memory, next);
        free_in(memory, heads);
    }
}

/// What is seen, sorted from the back. @returns a checksum of what was drawn
template <class A>
std::uint64_t draw(A& memory, std::span<const body> bodies, int frame) {
    list<command, A> seen(memory);
    for (const body& b : bodies) {
        if (cell_of(b) % 3 != static_cast<std::uint32_t>(frame) % 3) seen.push({static_cast<std::uint32_t>(b.y * 64), b.id});
    }
    const auto all = seen.all();
    std::sort(all.begin(), all.end(), [](command a, command b) { return a.depth != b.depth ? a.depth > b.depth : a.id < b.id; });
    std::uint64_t sum = 0;
    for (const command c : all) sum = sum * 31 + c.id;
    if constexpr (!ashlar::optional_deallocate<A>) free_in(memory, std::span(all.data(), seen.capacity()));
    return sum;
}

void move(std::span<body> bodies, int frame) {
    for (body& b : bodies) {
        b.trail[static_cast<std::size_t>(frame) % b.trail.size()] = b.x;
        b.x += b.dx + (b.x + b.dx < 0 ? static_cast<float>(side) : 0);
        b.y += b.dy + (b.y + b.dy < 0 ? static_cast<float>(side) : 0);
    }
}

template <class A>
std::span<body> load(A& memory, int level) {
    const auto bodies = array<body>(memory, 500u << level);
    std::uint32_t seed = 1;
    for (std::uint32_t i = 0; i < bodies.size(); ++i) {
        const auto dice = [&seed] { return static_cast<float>((seed = seed * 1664525 + 1013904223) >> 16) / 65536; };
        bodies[i] = {dice() * side, dice() * side, dice() - 0.5f, dice() - 0.5f, i, array<float>(memory, 8)};
    }
    return bodies;
}

struct outcome {
    std::uint64_t drawn = 0;
    double microseconds = 0;  // a frame, the mean
};
double now() { return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

outcome play_on_malloc() {
    ashlar::system memory;
    outcome all;
    const double begin = now();
    for (int level = 0; level < levels; ++level) {
        const auto bodies = load(memory, level);
        for (int frame = 0; frame < frames; ++frame) {
            collide(memory, bodies);
            move(bodies, frame);
            all.drawn = all.drawn * 7 + draw(memory, bodies, frame);
        }
        for (const body& b : bodies) free_in(memory, b.trail);
        free_in(memory, bodies);
    }
    all.microseconds = (now() - begin) / (levels * frames);
    return all;
}

outcome play_on_frames(std::size_t& peak, std::size_t& chunks) {
    alignas(64) static std::byte room[256 << 10];
    ashlar::stack scratch({room, sizeof room});
    ashlar::arena<ashlar::system> level_memory({.first_chunk = 128 << 10});
    outcome all;
    const double begin = now();
    for (int level = 0; level < levels; ++level) {
        const auto bodies = load(level_memory, level);
        for (int frame = 0; frame < frames; ++frame) {
            const ashlar::stack::frame this_frame(scratch);
            {
                const ashlar::stack::frame pass(scratch);
                collide(scratch, bodies);
                peak = std::max(peak, this_frame.used());
            }
            move(bodies, frame);
            all.drawn = all.drawn * 7 + draw(scratch, bodies, frame);
            peak = std::max(peak, this_frame.used());
        }
        chunks = std::max(chunks, level_memory.chunks());
        level_memory.reset();
    }
    all.microseconds = (now() - begin) / (levels * frames);
    return all;
}

}  // namespace

int main() {
    std::size_t peak = 0, chunks = 0;
    outcome on_malloc, on_frames;
    for (int round = 0; round < 3; ++round) {  // in turns, the best of each: the first game pays for cold memory
        const outcome a = play_on_malloc(), b = play_on_frames(peak, chunks);
        if (round == 0 || a.microseconds < on_malloc.microseconds) on_malloc = a;
        if (round == 0 || b.microseconds < on_frames.microseconds) on_frames = b;
    }
    std::printf("%d levels of %d frames\n", levels, frames);
    std::printf("  arena and stack   %7.1f us a frame; scratch at most %zu bytes; %zu chunk for all levels\n",
                on_frames.microseconds, peak, chunks);
    std::printf("  malloc and free   %7.1f us a frame\n", on_malloc.microseconds);
    if (on_frames.drawn != on_malloc.drawn) std::puts("they did not draw the same");
    return on_frames.drawn == on_malloc.drawn ? 0 : 1;
}
