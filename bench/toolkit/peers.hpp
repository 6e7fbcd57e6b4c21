// bench/toolkit/peers.hpp - pools of others, spoken to as ours are: allocate() and deallocate(p) of one size.
//
// Each stands on the same touched memory where it can; TBB's scalable allocator and mimalloc's heaps have their own. CMake
// defines ASHLAR_PEER_x as 1 where the peer is installed.
#pragma once

#include <cstddef>

#include "../strategy/heaps.hpp"

#if ASHLAR_PEER_BOOST
#include <boost/pool/object_pool.hpp>
#include <boost/pool/pool.hpp>
#endif
#if ASHLAR_PEER_BOOST_CONTAINER
#include <boost/container/pmr/unsynchronized_pool_resource.hpp>
#endif
#if ASHLAR_PEER_FOONATHAN
#include <foonathan/memory/memory_pool.hpp>
#endif
#if ASHLAR_PEER_TBB
#define TBB_PREVIEW_MEMORY_POOL 1
#include <tbb/memory_pool.h>
#include <tbb/scalable_allocator.h>
#endif
#if ASHLAR_PEER_MIMALLOC
#include <mimalloc.h>
#endif

namespace bench {

/// A pool resource of std::pmr or of Boost.Container, asked for blocks of one size.
template <class Resource, std::size_t Size, class Base = std::pmr::memory_resource>
class pool_resource {
public:
    explicit pool_resource(warm& w) : upstream_(w), made_(&upstream_) {}
    void* allocate() { return made_.allocate(Size, alignment); }
    void deallocate(void* p) { made_.deallocate(p, Size, alignment); }

private:
    warm_resource<Base> upstream_;
    Resource made_;
};
#if ASHLAR_PEER_BOOST_CONTAINER
template <std::size_t Size>
using boost_pool_resource =
    pool_resource<boost::container::pmr::unsynchronized_pool_resource, Size, boost::container::pmr::memory_resource>;
#endif

#if ASHLAR_PEER_BOOST
// Boost's user allocators are static: one warm memory at a time.
struct boost_source {
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    static inline warm* memory = nullptr;
    static char* malloc(size_type n) {
        const auto granted = memory->allocate(layout_of(n));
        return granted ? reinterpret_cast<char*>(granted->data) : nullptr;
    }
    static void free(char*) {}  // the warm memory starts again before the next heap
};

template <std::size_t Size>
class boost_pool {
public:
    explicit boost_pool(warm& w) : made_((boost_source::memory = &w, Size)) {}
    void* allocate() { return made_.malloc(); }
    void deallocate(void* p) { made_.free(p); }

private:
    boost::pool<boost_source> made_;
};

template <class T>
class boost_object_pool {
public:
    explicit boost_object_pool(warm& w) : made_((boost_source::memory = &w, 32)) {}
    void* allocate() { return made_.construct(); }
    void deallocate(void* p) { made_.destroy(static_cast<T*>(p)); }

private:
    boost::object_pool<T, boost_source> made_;
};
#endif

#if ASHLAR_PEER_FOONATHAN
class foonathan_source {
public:
    using is_stateful = std::true_type;
    explicit foonathan_source(warm& w) : memory_(&w) {}
    void* allocate_node(std::size_t n, std::size_t align) {
        const auto granted = memory_->allocate(layout_of(n, align));
        if (!granted) throw std::bad_alloc();
        return granted->data;
    }
    void deallocate_node(void* p, std::size_t n, std::size_t align) noexcept {
        memory_->deallocate(static_cast<std::byte*>(p), layout_of(n, align));
    }

private:
    warm* memory_;
};

template <std::size_t Size>
class foonathan_pool {
    using pool = foonathan::memory::memory_pool<foonathan::memory::node_pool, foonathan_source>;

public:
    explicit foonathan_pool(warm& w) : made_(Size, 65536, foonathan_source(w)) {}
    void* allocate() { return made_.allocate_node(); }
    void deallocate(void* p) { made_.deallocate_node(p); }

private:
    pool made_;
};
#endif

#if ASHLAR_PEER_TBB
template <std::size_t Size>
class tbb_fixed_pool {
public:
    explicit tbb_fixed_pool(warm& w) : made_(w.allocate(layout_of(buffer))->data, buffer) {}
    void* allocate() { return made_.malloc(Size); }
    void deallocate(void* p) { made_.free(p); }

private:
    static constexpr std::size_t buffer = 48u << 20;
    tbb::fixed_pool made_;
};

template <std::size_t Size>
struct tbb_scalable {
    explicit tbb_scalable(warm&) {}
    void* allocate() { return scalable_malloc(Size); }
    void deallocate(void* p) { scalable_free(p); }
};
#endif

#if ASHLAR_PEER_MIMALLOC
template <std::size_t Size>
class mimalloc_heap {
public:
    explicit mimalloc_heap(warm&) : made_(mi_heap_new()) {}
    mimalloc_heap(const mimalloc_heap&) = delete;
    mimalloc_heap& operator=(const mimalloc_heap&) = delete;
    ~mimalloc_heap() { mi_heap_destroy(made_); }
    void* allocate() { return mi_heap_malloc(made_, Size); }
    void deallocate(void* p) { mi_free(p); }

private:
    mi_heap_t* made_;
};
#endif

}  // namespace bench
