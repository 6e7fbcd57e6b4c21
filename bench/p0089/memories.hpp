// bench/p0089/memories.hpp - the allocators to compare, each as a memory resource, all fed by the host's malloc.
//
// A memory is made anew for each use, as a container's own allocator is. `in_use` and `most` are the bytes that this thread's
// memories hold of malloc, where they take it in chunks; for new and delete themselves they are not known.
#pragma once

#include <cstddef>
#include <memory_resource>

#include "ashlar/compose/resource.hpp"
#include "ashlar/strategy/arena.hpp"
#include "ashlar/strategy/segregated.hpp"
#include "ashlar/strategy/system.hpp"
#if ASHLAR_PEER_BOOST_CONTAINER
#include <boost/container/pmr/monotonic_buffer_resource.hpp>
#include <boost/container/pmr/unsynchronized_pool_resource.hpp>
#endif

namespace p0089 {

inline thread_local std::size_t in_use = 0, most = 0;
inline void took(std::size_t n) noexcept {
    in_use += n;
    if (in_use > most) most = in_use;
}

struct counted_system {
    static ashlar::result<ashlar::block> allocate(ashlar::layout l) noexcept {
        const auto granted = ashlar::system::allocate(l);
        if (granted) took(l.size());
        return granted;
    }
    static void deallocate(std::byte* p, ashlar::layout l) noexcept {
        in_use -= l.size();
        ashlar::system::deallocate(p, l);
    }
};

template <class Base = std::pmr::memory_resource>
class counted_resource : public Base {
    void* do_allocate(std::size_t n, std::size_t align) override {
        void* const p = std::pmr::new_delete_resource()->allocate(n, align);
        took(n);
        return p;
    }
    void do_deallocate(void* p, std::size_t n, std::size_t align) override {
        in_use -= n;
        std::pmr::new_delete_resource()->deallocate(p, n, align);
    }
    bool do_is_equal(const Base& o) const noexcept override { return this == &o; }
};
inline counted_resource<> source;

struct new_delete {
    static constexpr const char* name = "new and delete";
    static constexpr bool ends_all_at_once = false;
    std::pmr::memory_resource* resource() { return std::pmr::new_delete_resource(); }
};
struct pmr_monotonic {
    static constexpr const char* name = "pmr monotonic";
    static constexpr bool ends_all_at_once = true;
    std::pmr::memory_resource* resource() { return &made; }
    std::pmr::monotonic_buffer_resource made{&source};
};
struct pmr_pool {
    static constexpr const char* name = "pmr pool";
    static constexpr bool ends_all_at_once = false;
    std::pmr::memory_resource* resource() { return &made; }
    std::pmr::unsynchronized_pool_resource made{&source};
};
struct pmr_pool_on_monotonic {
    static constexpr const char* name = "pmr pool on monotonic";
    static constexpr bool ends_all_at_once = true;
    std::pmr::memory_resource* resource() { return &made; }
    std::pmr::monotonic_buffer_resource below{&source};
    std::pmr::unsynchronized_pool_resource made{&below};
};

struct pmr_synchronized_pool {
    static constexpr const char* name = "pmr synchronized pool";
    static constexpr bool ends_all_at_once = false;
    std::pmr::memory_resource* resource() { return &made; }
    std::pmr::synchronized_pool_resource made{&source};
};

#if ASHLAR_PEER_BOOST_CONTAINER
namespace boost_pmr = boost::container::pmr;
inline counted_resource<boost_pmr::memory_resource> boost_source;

/// Boost's resources are of a class of their own: one is asked through one virtual call here, as std::pmr's and ours are.
template <class Resource>
class boost_resource final : public std::pmr::memory_resource {
    struct opened : Resource {
        using Resource::Resource;
        void* take(std::size_t n, std::size_t align) { return Resource::do_allocate(n, align); }
        void give(void* p, std::size_t n, std::size_t align) { Resource::do_deallocate(p, n, align); }
    };
    void* do_allocate(std::size_t n, std::size_t align) override { return made_.take(n, align); }
    void do_deallocate(void* p, std::size_t n, std::size_t align) override { made_.give(p, n, align); }
    bool do_is_equal(const memory_resource& o) const noexcept override { return this == &o; }
    opened made_{&boost_source};
};
struct boost_monotonic {
    static constexpr const char* name = "boost monotonic";
    static constexpr bool ends_all_at_once = true;
    std::pmr::memory_resource* resource() { return &made; }
    boost_resource<boost_pmr::monotonic_buffer_resource> made{};
};
struct boost_pool {
    static constexpr const char* name = "boost pool";
    static constexpr bool ends_all_at_once = false;
    std::pmr::memory_resource* resource() { return &made; }
    boost_resource<boost_pmr::unsynchronized_pool_resource> made{};
};
#endif

constexpr ashlar::arena_options small_first{.first_chunk = 4096};
struct arena {
    static constexpr const char* name = "arena";
    static constexpr bool ends_all_at_once = true;
    std::pmr::memory_resource* resource() { return &made; }
    ashlar::arena<counted_system> below{small_first};
    ashlar::resource<ashlar::arena<counted_system>> made{below};
};
struct segregated {
    static constexpr const char* name = "segregated";
    static constexpr bool ends_all_at_once = false;
    std::pmr::memory_resource* resource() { return &made; }
    ashlar::segregated<counted_system> below{};
    ashlar::resource<ashlar::segregated<counted_system>> made{below};
};
struct segregated_on_arena {
    static constexpr const char* name = "segregated on arena";
    static constexpr bool ends_all_at_once = true;
    std::pmr::memory_resource* resource() { return &made; }
    ashlar::arena<counted_system> chunks{small_first};
    ashlar::segregated<ashlar::arena<counted_system>> below{chunks};
    ashlar::resource<ashlar::segregated<ashlar::arena<counted_system>>> made{below};
};

/// Calls f<Memory>() for each of them.
template <class F>
void for_each_memory(F f) {
    f.template operator()<new_delete>();
    f.template operator()<pmr_monotonic>();
    f.template operator()<pmr_pool>();
    f.template operator()<pmr_pool_on_monotonic>();
    f.template operator()<pmr_synchronized_pool>();
#if ASHLAR_PEER_BOOST_CONTAINER
    f.template operator()<boost_monotonic>();
    f.template operator()<boost_pool>();
#endif
    f.template operator()<arena>();
    f.template operator()<segregated>();
    f.template operator()<segregated_on_arena>();
}

}  // namespace p0089
