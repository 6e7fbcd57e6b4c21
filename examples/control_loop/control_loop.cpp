// control_loop - a loop of 1 kHz that allocates all the time and never asks the system for anything.
//
// Usage: control_loop [seconds]        2 by default; 60 for the report of docs/realtime.md
//
// Everything is made beforehand: the memory (rt_region: touched and locked), the allocator on it, 100,000 objects. Then
// the thread that runs the loop seals the region and bans system calls, but for waiting for the next period. In every period
// it replaces a hundred of the objects by new ones of other sizes. At the end it tells how often it had to wait for the
// system, and how long the allocations took: no page fault, no system call, and a histogram without a tail.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "ashlar/os/pinning.hpp"
#include "ashlar/os/platform.hpp"
#include "ashlar/realtime/latency_report.hpp"
#include "ashlar/realtime/real_time_allocator.hpp"
#include "ashlar/realtime/rt_region.hpp"
#include "ashlar/realtime/worst_case.hpp"

namespace {

constexpr std::size_t objects = 100'000, replaced = 100;
constexpr std::uint64_t period = 1'000'000;  // nanoseconds
using allocator = ashlar::real_time_allocator<128>;

/// A target that is followed: most have a short track, some a long one.
struct target {
    float* track;
    std::uint32_t points;
};
constexpr std::uint32_t fewest = 4, shorts = 32, longest = 512;
ashlar::layout of(std::uint32_t points) { return *ashlar::layout::array<float>(points); }

class radar {
public:
    explicit radar(allocator& memory) : memory_(memory), seen_(objects) {}

    /// @returns whether there was room for everything
    bool fill() {
        for (target& t : seen_) {
            if (!follow(t)) return false;
        }
        return true;
    }
    bool step() {
        for (std::size_t i = 0; i < replaced; ++i) {
            target& t = seen_[dice() % objects];
            memory_.deallocate(reinterpret_cast<std::byte*>(t.track), of(t.points));
            if (!follow(t)) return false;
        }
        return true;
    }

private:
    bool follow(target& t) {
        t.points = dice() % 8 != 0 ? fewest + dice() % (shorts - fewest + 1) : shorts + dice() % (longest - shorts);
        const auto granted = memory_.allocate(of(t.points));
        if (!granted) return false;
        t.track = ::new (granted->data) float[t.points]{};
        return true;
    }
    std::uint32_t dice() { return static_cast<std::uint32_t>((state_ = state_ * 6364136223846793005u + 1442695040888963407u) >> 33); }

    allocator& memory_;
    std::vector<target> seen_;
    std::uint64_t state_ = 7;
};

struct outcome {
    bool done = false, counted = false;
    ashlar::os::fault_counts faults{0, 0};
    std::uint64_t system_calls = 0, late = 0;
    ashlar::latency_histogram work;
};

void run(radar& loop, ashlar::rt_region& region, std::uint64_t periods, outcome& told) {
    std::uint64_t next = ashlar::os::now_ns() + period;
    const auto one_period = [&] {
        const std::uint64_t begin = ashlar::os::now_ns();
        if (begin < next) std::this_thread::sleep_for(std::chrono::nanoseconds(next - begin));
        const std::uint64_t woken = ashlar::os::now_ns();
        told.late += woken > next + period;
        const bool good = loop.step();
        told.work.record(ashlar::os::now_ns() - woken);
        next += period;
        return good;
    };
    for (int i = 0; i < 50; ++i) {  // the code itself comes from a file: it is read by running it
        if (!one_period()) return;
    }
    told.work.reset();
    told.late = 0;
    told.counted = ashlar::os::ban_system_calls();
    region.seal();
    next = ashlar::os::now_ns() + period;
    for (std::uint64_t i = 0; i < periods; ++i) {
        if (!one_period()) return;
    }
    told.faults = region.faults_since_seal();
    told.system_calls = ashlar::os::banned_system_calls();
    told.done = true;
}

}  // namespace

int main(int count, char** words) {
    const std::uint64_t seconds = count > 1 ? std::strtoull(words[1], nullptr, 10) : 2;
    const std::size_t bytes = std::size_t{64} << 20;
    ashlar::rt_region region(bytes, {.huge_pages = true});
    if (!region.report().empty()) std::printf("%.*s\n", static_cast<int>(region.report().size()), region.report().data());
    if (!region.ready()) return 1;
    const auto memory = std::make_unique<allocator>(region.memory(), allocator::parts{.fast_blocks = 90'000});
    radar loop(*memory);
    if (!loop.fill()) return std::fprintf(stderr, "control_loop: %zu objects do not fit\n", objects), 1;

    outcome told;
    std::thread([&] { run(loop, region, seconds * 1000, told); }).join();
    if (!told.done) return std::fprintf(stderr, "control_loop: a request was refused\n"), 1;

    std::printf("%zu objects, %llu s at 1 kHz, %zu replaced in each period; %s\n", objects, static_cast<unsigned long long>(seconds),
                replaced, region.locked() ? "locked in memory" : "not locked in memory");
    std::printf("page faults since seal: %llu minor, %llu major\n", static_cast<unsigned long long>(told.faults.minor),
                static_cast<unsigned long long>(told.faults.major));
    std::printf("system calls since seal: %s%llu\n", told.counted ? "" : "not counted, ", static_cast<unsigned long long>(told.system_calls));
    std::printf("requests that the heap served for the pool: %zu; refused: %zu; periods that began late by more than one: %llu\n",
                memory->fallbacks(), memory->refusals(), static_cast<unsigned long long>(told.late));
    std::printf("\nallocate, %s", ashlar::latency_text(memory->allocation_times(), "ticks").c_str());
    std::printf("\ndeallocate, %s", ashlar::latency_text(memory->deallocation_times(), "ticks").c_str());
    std::printf("\nwork of a period, %s", ashlar::latency_text(told.work, "ns").c_str());
    if (count > 2) {
        if (std::FILE* const file = std::fopen(words[2], "w")) {
            std::fputs(ashlar::latency_plot(memory->allocation_times(), "control_loop: allocate", "ticks").c_str(), file);
            std::fclose(file);
        }
    }
    // Lateness is the machine's, and a kernel may move a page, which faults once; system calls would be ours.
    return told.system_calls == 0 ? 0 : 1;
}
