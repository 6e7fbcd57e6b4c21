// tests/observe/trace_support.hpp - traces for tests: random histories that could have happened, and files for a moment.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "ashlar/foundation/event.hpp"
#include "ashlar/observe/trace_reader.hpp"
#include "ashlar/observe/trace_writer.hpp"

namespace trace_support {

/// A folder that is gone when the test is.
class scratch_folder {
public:
    scratch_folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "ashlar-trace-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr) std::abort();
        path_ = pattern;
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string operator/(const std::string& name) const { return (path_ / name).string(); }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

inline std::vector<char> bytes_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline std::span<const std::byte> as_bytes(const std::vector<char>& v) { return std::as_bytes(std::span(v)); }

inline std::vector<ashlar::event> all_events(ashlar::trace_reader& reader) {
    std::vector<ashlar::event> events;
    while (const ashlar::event* e = reader.next()) events.push_back(*e);
    return events;
}

/// A history of `count` events by `threads` threads that a correct program could have: every release is of a live block,
/// every grant of a free address, time always passes. Kinds, sizes, alignments and refusals are of all sorts.
class history {
public:
    history(std::uint64_t seed, std::uint32_t threads, std::size_t count, bool moves_in_place = true)
        : random_(seed), moves_in_place_(moves_in_place) {
        for (std::uint32_t t = 0; t < threads; ++t) {
            events.push_back({.time_ns = ++time_, .thread = t, .kind = ashlar::event_kind::thread_begin});
        }
        for (std::size_t i = 0; i < count; ++i) events.push_back(any_event(static_cast<std::uint32_t>(upto(threads - 1))));
    }

    std::vector<ashlar::event> events;

private:
    using kind = ashlar::event_kind;

    std::uint64_t upto(std::uint64_t most) { return std::uniform_int_distribution<std::uint64_t>(0, most)(random_); }
    bool one_in(unsigned n) { return upto(n - 1) == 0; }

    /// Mostly small and near each other as in real programs, sometimes anything.
    std::uint64_t any_size() {
        if (one_in(50)) return ~std::uint64_t{0} >> upto(63);
        return one_in(4) ? upto(100'000) : upto(300);
    }
    std::uint64_t free_address() {
        for (;;) {
            std::uint64_t a = 0x5555'0000'0000 + upto(5000) * 16;
            if (one_in(20)) a = (~std::uint64_t{0} >> upto(40)) - upto(1000);  // far, and of any low bits
            if (a != 0 && !live_.count(a)) return a;
        }
    }

    ashlar::event any_event(std::uint32_t thread) {
        ashlar::event e;
        e.time_ns = time_ += one_in(100) ? upto(10'000'000'000) + 1 : upto(3000) + 1;
        e.thread = thread;
        if (one_in(200)) {
            e.kind = kind::fork;
            e.size = upto(4'000'000);
        } else if (!live_.empty() && one_in(2)) {
            make_release(e);
        } else {
            make_request(e);
        }
        return e;
    }

    std::map<std::uint64_t, std::uint64_t>::iterator any_live() {
        const auto at = live_.lower_bound(0x5555'0000'0000 + upto(5000) * 16);
        return at == live_.end() ? live_.begin() : at;
    }

    void make_release(ashlar::event& e) {
        e.kind = static_cast<kind>(32 + upto(10));
        const auto victim = any_live();
        e.address = victim->first;
        if (states_size(e.kind)) e.size = one_in(10) ? any_size() : victim->second;
        if (states_alignment(e.kind)) e.alignment = std::uint64_t{1} << upto(12);
        live_.erase(victim);
    }

    void make_request(ashlar::event& e) {
        e.kind = static_cast<kind>(1 + upto(16));
        e.size = any_size();
        if (states_alignment(e.kind)) e.alignment = one_in(10) ? upto(1000) : std::uint64_t{1} << upto(16);
        e.failed = one_in(20);
        if (moves(e.kind) && !live_.empty() && !one_in(5)) {
            const auto old = any_live();
            e.old_address = old->first;
            if (e.failed) return;
            live_.erase(old);
            if (moves_in_place_ && one_in(10)) {
                e.address = e.old_address;
            } else if (e.size == 0) {
                return;  // realloc(p, 0) that only released
            }
        }
        if (e.failed) return;
        // Only moves_in_place_ may give a move its old address back.
        const bool in_place = e.address != 0;
        while (!in_place && (e.address == 0 || e.address == e.old_address)) e.address = free_address();
        live_[e.address] = e.size;
    }

    std::mt19937_64 random_;
    bool moves_in_place_;
    std::uint64_t time_ = 0;
    std::map<std::uint64_t, std::uint64_t> live_;
};

/// Writes the events to a new file. @returns its path
inline std::string write_trace(const scratch_folder& folder, const std::string& name,
                               const std::vector<ashlar::event>& events, bool close = true) {
    const std::string path = folder / name;
    ashlar::trace_writer w = ashlar::trace_writer::create(path, {.command_line = {"prog", "a b"}, .executable = "/bin/prog"});
    if (!w) std::abort();
    for (const auto& e : events) {
        if (!w.write(e)) std::abort();
    }
    if (close) w.close(events.empty() ? 0 : events.back().time_ns);
    return path;
}

}  // namespace trace_support
