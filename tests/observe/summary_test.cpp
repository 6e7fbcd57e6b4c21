#include "ashlar/observe/summary.hpp"

#include <cstdint>
#include <memory>
#include <vector>

#include <catch2/catch.hpp>

using namespace ashlar;

namespace {

/// Feeds events with growing times, one microsecond apart.
class script {
public:
    script& request(std::uint64_t address, std::uint64_t size, std::uint32_t thread = 0,
                    event_kind kind = event_kind::malloc) {
        return add({.address = address, .size = size, .thread = thread, .kind = kind});
    }
    script& free(std::uint64_t address, std::uint32_t thread = 0) {
        return add({.address = address, .thread = thread, .kind = event_kind::free});
    }
    script& move(std::uint64_t from, std::uint64_t to, std::uint64_t size) {
        return add({.address = to, .size = size, .old_address = from, .kind = event_kind::realloc});
    }
    script& add(event e) {
        e.time_ns = time_ += 1000;
        builder_.add(e);
        return *this;
    }
    std::unique_ptr<summary> done() const { return builder_.finish(0); }

private:
    summary_builder builder_;
    std::uint64_t time_ = 0;
};

}  // namespace

TEST_CASE("summary: no events, no figures", "[observe][summary]") {
    const auto s = script().done();
    CHECK(s->allocations == 0);
    CHECK(s->peak_bytes == 0);
    CHECK(s->threads == 0);
    CHECK(s->leaked == tally{});
    CHECK(s->kinds.empty());
}

TEST_CASE("summary: the peak is exact, with the moment it was first reached", "[observe][summary]") {
    const auto s =
        script().request(16, 100).request(32, 50).free(16).request(48, 60).free(48).request(64, 100).done();
    CHECK(s->peak_bytes == 150);
    CHECK(s->peak_time_ns == 2000);
    CHECK(s->blocks_at_peak == 2);
    CHECK(s->peak_blocks == 2);
    CHECK(s->allocations == 4);
    CHECK(s->frees == 2);
    CHECK(s->bytes_allocated == 310);
    CHECK(s->leaked == tally{2, 150});
}

TEST_CASE("summary: a reallocation is one allocation and one free", "[observe][summary]") {
    const auto s = script().request(16, 100).move(16, 16, 120).move(16, 64, 200).free(64).done();
    CHECK(s->allocations == 3);
    CHECK(s->frees == 3);
    CHECK(s->bytes_allocated == 420);
    CHECK(s->peak_bytes == 200);
    CHECK(s->reallocations == 2);
    CHECK(s->reallocations_in_place == 1);
    CHECK(s->leaked == tally{});
}

TEST_CASE("summary: reallocations of one block are a chain, which ends with its free or with the trace", "[observe][summary]") {
    const auto s = script().request(16, 100).move(16, 16, 120).move(16, 64, 200).free(64).request(64, 8).move(64, 32, 4)
                       .move(999 * 16, 48, 8).request(32, 1).done();
    CHECK(s->chains.total == realloc_cost{3, 2, 124});  // a block from before the trace has no size: it is no chain
    CHECK(s->chains.lengths[2].chains == 1);
    CHECK(s->chains.lengths[1].chains == 1);
    CHECK(s->lost_frees == 1);
}

TEST_CASE("summary: realloc of nothing allocates; realloc to nothing frees", "[observe][summary]") {
    const auto s = script().move(0, 16, 10).move(16, 0, 0).done();
    CHECK(s->allocations == 1);
    CHECK(s->frees == 1);
    CHECK(s->reallocations == 1);
    CHECK(s->leaked.blocks == 0);
}

TEST_CASE("summary: a refused request counts as refused and changes nothing else", "[observe][summary]") {
    const auto s = script()
                       .request(16, 8)
                       .add({.size = ~std::uint64_t{0}, .kind = event_kind::calloc, .failed = true})
                       .add({.size = 1, .old_address = 16, .kind = event_kind::realloc, .failed = true})
                       .done();
    CHECK(s->failed_requests == 2);
    CHECK(s->allocations == 1);
    CHECK(s->bytes_allocated == 8);
    CHECK(s->leaked == tally{1, 8});
}

TEST_CASE("summary: temporary means freed by its thread before it allocated again", "[observe][summary]") {
    SECTION("straight away") { CHECK(script().request(16, 8).free(16).done()->temporary == tally{1, 8}); }
    SECTION("another allocation lies between") {
        CHECK(script().request(16, 8).request(32, 8).free(16).done()->temporary.blocks == 0);
    }
    SECTION("another thread's allocation does not count") {
        CHECK(script().request(16, 8).request(32, 8, 1).free(16).done()->temporary.blocks == 1);
    }
    SECTION("freed by another thread") {
        CHECK(script().request(16, 8).free(16, 1).done()->temporary.blocks == 0);
    }
}

TEST_CASE("summary: blocks freed by other threads are crossings, from and to", "[observe][summary]") {
    const auto s = script()
                       .request(16, 8, 0)
                       .request(32, 24, 0)
                       .request(48, 8, 1)
                       .free(16, 1)
                       .free(32, 1)
                       .free(48, 2)
                       .done();
    REQUIRE(s->crossings.size() == 2);
    CHECK(s->crossings[0].born == 0);
    CHECK(s->crossings[0].died == 1);
    CHECK(s->crossings[0].freed == tally{2, 32});
    CHECK(s->crossings[1].born == 1);
    CHECK(s->crossings[1].died == 2);
    CHECK(s->remote == tally{3, 40});
    REQUIRE(s->per_thread.size() == 3);
    CHECK(s->per_thread[1].remote_frees == 2);
    CHECK(s->per_thread[0].peak_bytes == 32);
    CHECK(s->per_thread[0].live_bytes == 0);
}

TEST_CASE("summary: frees without an allocation are told apart and change no total", "[observe][summary]") {
    const auto s = script().free(16).free(0).request(32, 8).request(32, 16).done();
    CHECK(s->foreign_frees == 1);
    CHECK(s->null_frees == 1);
    CHECK(s->lost_frees == 1);
    CHECK(s->frees == 0);
    CHECK(s->leaked == tally{1, 16});
    CHECK(s->allocations == s->frees + s->leaked.blocks + s->lost_frees);
}

TEST_CASE("summary: lifetimes are counted in time and in bytes allocated meanwhile", "[observe][summary]") {
    const auto s = script().request(16, 100).request(32, 5000).free(16).done();
    // 100 bytes, class 7; lived 2,000 ns, class 11; 5,000 bytes were allocated meanwhile, class 13.
    CHECK(s->lives_in_time[7][11] == tally{1, 100});
    CHECK(s->lives_in_bytes[7][13] == tally{1, 100});
    CHECK(s->never_freed[power_class(5000)] == tally{1, 5000});
}

TEST_CASE("summary: sizes are exact, the most frequent first", "[observe][summary]") {
    script events;
    for (std::uint64_t i = 1; i <= 9; ++i) events.request(16 * i, i % 3 == 0 ? 100'000 : 24);
    const auto s = events.done();
    REQUIRE(s->sizes.size() == 2);
    CHECK(s->sizes[0].size == 24);
    CHECK(s->sizes[0].blocks == 6);
    CHECK(s->sizes[1].size == 100'000);
    CHECK(s->sizes[1].blocks == 3);
    CHECK(s->uncounted_sizes.blocks == 0);
}

TEST_CASE("summary: more distinct sizes than the limit are counted together", "[observe][summary]") {
    script events;
    const std::uint64_t distinct = summary::size_limit + 100;
    for (std::uint64_t i = 1; i <= distinct; ++i) events.request(16 * i, 10'000 + i);
    const auto s = events.done();
    CHECK(s->sizes.size() <= summary::size_limit);
    CHECK(s->sizes.size() + s->uncounted_sizes.blocks == distinct);
}

TEST_CASE("summary: threads past the limit share one row", "[observe][summary]") {
    script events;
    const std::uint32_t threads = summary::thread_limit + 50;
    for (std::uint32_t t = 0; t < threads; ++t) events.request(16 * (t + 1), 1, t);
    const auto s = events.done();
    CHECK(s->threads == threads);
    REQUIRE(s->per_thread.size() == summary::thread_limit + 1);
    CHECK(s->per_thread.back().allocations == 50);
}

TEST_CASE("summary: kinds that occur are listed, in their order", "[observe][summary]") {
    const auto s = script().request(16, 8, 0, event_kind::new_array).request(32, 8).free(32).done();
    REQUIRE(s->kinds.size() == 3);
    CHECK(s->kinds[0].kind == event_kind::malloc);
    CHECK(s->kinds[1].kind == event_kind::new_array);
    CHECK(s->kinds[1].bytes == 8);
    CHECK(s->kinds[2].kind == event_kind::free);
}

TEST_CASE("summary: sizes that no machine has, out of a damaged trace, are survived", "[observe][summary]") {
    script events;
    for (std::uint64_t i = 1; i <= 8; ++i) events.request(16 * i, ~std::uint64_t{0} - i);
    for (std::uint64_t i = 1; i <= 8; ++i) events.free(16 * i);
    CHECK(events.done()->leaked == tally{});
}
