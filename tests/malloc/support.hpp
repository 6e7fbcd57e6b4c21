// ashlar/tests/malloc/support.hpp - a malloc beside the process's own, over pages that can be refused.
#pragma once

#include <catch2/catch.hpp>

#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "ashlar/malloc/heap.hpp"
#include "ashlar/os/failing_pages.hpp"
#include "support/numbers.hpp"

namespace test_malloc {

using namespace ashlar::malloc;
using ashlar::os::lasting;
using ashlar::os::page_call;
using pages_type = ashlar::os::failing_pages<>;
using store_type = span_store<pages_type>;
using heap_type = heap<store_type>;
using registry_type = heap_registry<heap_type>;
using span_type = store_type::span_type;
using node = heap_type::node;

inline std::mutex misuse_lock;
inline std::vector<misuse> misuses;
inline void note_misuse(const misuse& what) {
    const std::lock_guard hold(misuse_lock);
    misuses.push_back(what);
}

/// Options under which nothing happens by the clock.
inline options still() {
    options o;
    o.purge_delay_ms = -1;
    o.guard_samples = 0;
    return o;
}

struct fixture {
    explicit fixture(const options& chosen = still(), std::size_t page_size = 0) : pages(page_size) {
        store = std::make_unique<store_type>(ashlar::ref<pages_type>(pages));
        store->set_handler(&note_misuse);
        store->set_keys(0x5eed'1234'5678'9abc, 0xca7a'5eed'4321'8765);
        store->configure(chosen);
        misuses.clear();
    }
    ~fixture() {
        pages.heal();
        store->destroy();
        CHECK(pages.balanced());  // whatever was reserved went back: nothing was lost on the way
    }
    /// From any thread: Catch's assertions are for one at a time.
    heap_type& attach() {
        if (heap_type* h = registry.attach(*store)) return *h;
        throw std::bad_alloc();
    }
    /// As the entry points do it, where other threads may look at the heap (fork_gate.I1).
    void* allocate(heap_type& h, std::size_t size) {
        const visit inside(registry.gate(), h.inside());
        return h.allocate(size);
    }
    void free(heap_type& h, void* p) {
        if (heap_type::push_local(*store->find(p), store->key(), h.id(), p)) return;
        if (h.push_second(*store, store->key(), *store->find(p), p)) return;
        const visit inside(registry.gate(), h.inside());
        heap_type::release(*store, registry, &h, p, "free");
    }
    std::size_t usable(void* p) { return heap_type::usable_size(*store, p, "malloc_usable_size"); }
    std::size_t spans() {
        std::size_t n = 0;
        store->for_each_span([&](span_type& s) {  // those of guarded blocks stay, for what comes after the blocks' end
            if (s.kind != ashlar::malloc::span_kind::guarded || !s.ended) ++n;
        });
        return n;
    }

    pages_type pages;
    std::unique_ptr<store_type> store;
    registry_type registry;
};

inline bool all_bytes(const void* p, std::size_t size, unsigned char value) {
    const auto* bytes = static_cast<const unsigned char*>(p);
    for (std::size_t i = 0; i < size; ++i) {
        if (bytes[i] != value) return false;
    }
    return true;
}

using ::support::numbers;

}  // namespace test_malloc
