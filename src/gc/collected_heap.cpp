// The heap's life, its weak references and globals, and what its inlined parts call.
#include "ashlar/gc/collected_heap.hpp"

#include <new>

#include "ashlar/strategy/page.hpp"
#include "collector.hpp"

namespace ashlar::gc {

namespace {
page<> system_memory;
}

heap::heap(const options& o) : heap(any_ref(system_memory), o) {}
heap::heap(any_ref upstream, const options& o) : collector_(detail::collector::make(*this, upstream, o)) {}

heap::~heap() {
    // A root that outlived its heap would be dangling: the program has an order of destruction to mend.
    ASHLAR_PRE(roots_.alone() && pins_.alone());
    detail::collector::end(collector_);
}

void heap::collect() {
    ASHLAR_PRE(collector_->may_collect());
    collector_->collect();
    collector_->destroy_waiting();
}
bool heap::compact() {
    ASHLAR_PRE(collector_->may_collect());
    return collector_->compact();
}
std::size_t heap::safepoint() { return collector_->destroy_waiting(); }

statistics heap::stats() const noexcept {
    statistics now = collector_->statistics_;
    for (const detail::bump* b : {&small_, const_cast<const detail::bump*>(&collector_->medium_)}) {
        now.made -= static_cast<std::size_t>(b->limit - b->cursor);
    }
    return now;
}
void heap::set_limits(std::size_t soft, std::size_t hard) noexcept {
    collector_->options_.soft_limit = soft;
    collector_->options_.hard_limit = hard;
}
verdict heap::verify() {
    ASHLAR_PRE(constructing_ == 0 && !collector_->destroying_);
    return collector_->verify();
}

void* heap::allocate_slowly(const descriptor& d, std::size_t granules) { return collector_->allocate_small(d, granules); }
void* heap::allocate_large(const descriptor& d, std::size_t bytes, std::size_t align) {
    return collector_->allocate_large(d, bytes, align);
}
/// The constructor threw: the room stays until the next collection.
void heap::abandon(void* object) noexcept {
    detail::header& h = detail::header_of(object);
    h = detail::header(&detail::filler, h.granules());
}

namespace detail {

root_node& roots_of(void* object) noexcept { return tile_of(object)->owner->roots_; }
root_node& pins_of(void* object) noexcept { return tile_of(object)->owner->pins_; }

void shade(void* object) noexcept {
    if (object == nullptr) return;
    collector& c = collector::of(object);
    if (c.marking_) c.marker_.mark(object);
}

weak_node* new_weak(void* object) {
    collector& c = collector::of(object);
    weak_node* const w = c.nodes_.take(c);
    if (w == nullptr) throw std::bad_alloc();
    w->object = object;
    w->count = 1;
    w->enter(c.weaks_);
    return w;
}
root_node* new_global(void* object) {
    weak_node* const g = new_weak(object);
    g->leave();
    g->enter(tile_of(object)->owner->roots_);
    return g;
}
void end_weak(weak_node* w) noexcept {
    w->leave();
    node_pool::home(w).put(w);
}
void end_global(root_node* g) noexcept { end_weak(static_cast<weak_node*>(g)); }

struct node_pool::node_block {
    node_pool* pool;
    node_block* next;
    weak_node nodes[(block_size - 2 * sizeof(void*)) / sizeof(weak_node)];
};

node_pool& node_pool::home(weak_node* n) noexcept {
    static_assert(sizeof(node_block) <= block_size);
    return *reinterpret_cast<node_block*>(reinterpret_cast<std::uintptr_t>(n) & ~(block_size - 1))->pool;
}
weak_node* node_pool::take(collector& c) noexcept {
    if (free_ == nullptr) {
        const block got = c.obtain(block_size, block_size);
        if (got.data == nullptr) return nullptr;
        auto* const fresh = ::new (got.data) node_block{this, blocks_, {}};
        blocks_ = fresh;
        for (weak_node& n : fresh->nodes) {
            n.object = free_;
            free_ = &n;
        }
    }
    weak_node* const n = free_;
    free_ = static_cast<weak_node*>(n->object);
    ++in_use_;
    return n;
}
void node_pool::put(weak_node* n) noexcept {
    n->object = free_;
    free_ = n;
    --in_use_;
}
void node_pool::release(collector& c) noexcept {
    while (blocks_ != nullptr) {
        node_block* const b = blocks_;
        blocks_ = b->next;
        c.give_back(b, block_size, block_size);
    }
}

collector::collector(heap& h, any_ref upstream, const options& o) noexcept
    : heap_(h), upstream_(upstream), options_(o), marker_(upstream) {}

collector::~collector() {
    destroy_all();
    ASHLAR_PRE(nodes_.in_use() == 0);  // a weak reference or a global outlived the heap
    nodes_.release(*this);
    if (tiles_ != nullptr) give_back(tiles_, tile_room_ * sizeof(tile*), alignof(tile*));
}

collector* collector::make(heap& h, any_ref upstream, const options& o) {
    const auto got = upstream.allocate(layout::of<collector>());
    if (!got) throw std::bad_alloc();
    return ::new (got->data) collector(h, upstream, o);
}
void collector::end(collector* c) noexcept {
    const any_ref upstream = c->upstream_;
    c->~collector();
    upstream.deallocate(reinterpret_cast<std::byte*>(c), layout::of<collector>());
}

}  // namespace detail
}  // namespace ashlar::gc
