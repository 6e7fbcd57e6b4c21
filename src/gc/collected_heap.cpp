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
    ASHLAR_PRE(collector_->slots_in_use() == 0 && pins_.alone());
    detail::collector::end(collector_);
}

namespace {
/// Notes how long the program was held up.
class timed {
public:
    explicit timed(detail::collector& c) noexcept : c_(c) {}
    timed(const timed&) = delete;
    timed& operator=(const timed&) = delete;
    ~timed() { c_.note_pause(std::chrono::steady_clock::now() - begin); }
    const std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();

private:
    detail::collector& c_;
};
}  // namespace

void heap::collect() {
    ASHLAR_PRE(collector_->may_collect());
    const timed pause(*collector_);
    collector_->collect();
    collector_->destroy_waiting();
}
bool heap::compact() {
    ASHLAR_PRE(collector_->may_collect());
    const timed pause(*collector_);
    return collector_->compact(1);
}
bool heap::evacuate(double sparse) {
    ASHLAR_PRE(collector_->may_collect());
    const timed pause(*collector_);
    return collector_->evacuate(sparse);
}
bool heap::step(std::chrono::nanoseconds most) {
    ASHLAR_PRE(collector_->may_collect());
    const timed pause(*collector_);
    detail::budget b(pause.begin + most);
    return collector_->advance(b, true);
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

population heap::count(const descriptor& d) { return collector_->count(d); }
void heap::write_snapshot(write_function write, void* to) { collector_->write_snapshot(write, to); }

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

root_node& pins_of(void* object) noexcept { return tile_of(object)->owner->pins_; }

void shade(void* object) noexcept {
    if (object == nullptr) return;
    collector& c = collector::of(object);
    if (c.marking_) c.marker_.mark(object);
}
void made_told(const reference& r) noexcept {
    if (r.target == nullptr) return;
    collector& c = collector::of(r.target);
    if (c.remembers_) c.note_store(&r, r.target);
    if (c.marking_) c.marker_.mark(r.target);
}
void store_told(reference& r, void* object) noexcept {
    if (marking()) shade(r.target);
    r.target = object;
    made_told(r);
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
void end_weak(weak_node* w) noexcept {
    w->leave();
    node_pool::home(w).put(w);
}
root_slot* root_slots::take_slowly(void* object) noexcept {
    root_slot* const s = collector::of(object).more_slots();
    if (s != nullptr) s->object = object;
    return s;
}

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

/// @returns a slot, and puts the others of its chunk on the list
root_slot* collector::more_slots() noexcept {
    const std::size_t bytes = chunks_ == nullptr ? 4096 : chunks_->bytes * 2;
    const block got = obtain(bytes, 4096);
    if (got.data == nullptr) return nullptr;
    chunks_ = ::new (got.data) slot_chunk{chunks_, bytes, 0};
    const auto fresh = chunks_->slots();
    for (root_slot& s : fresh) {
        s.owner = &heap_.roots_;
        heap_.roots_.give(&s);
    }
    return heap_.roots_.take(nullptr);
}
std::size_t collector::slots_in_use() const noexcept {
    std::size_t n = 0;
    for (slot_chunk* c = chunks_; c != nullptr; c = c->next) n += c->slots().size();
    for (const root_slot* s = heap_.roots_.free; s != nullptr; s = static_cast<const root_slot*>(s->object)) --n;
    return n;
}

collector::collector(heap& h, any_ref upstream, const options& o) noexcept
    : heap_(h), upstream_(upstream), options_(o), marker_(upstream) {
    remembers_ = options_.generational;
    if (options_.generational) __atomic_fetch_add(&told_heaps, 1u, __ATOMIC_RELAXED);  // pairs with nothing: see told()
}

collector::~collector() {
    destroy_all();
    ASHLAR_PRE(nodes_.in_use() == 0);  // a weak reference outlived the heap
    nodes_.release(*this);
    while (chunks_ != nullptr) {
        slot_chunk* const c = chunks_;
        chunks_ = c->next;
        give_back(c, c->bytes, 4096);
    }
    if (tiles_ != nullptr) give_back(tiles_, tile_room_ * sizeof(tile*), alignof(tile*));
    if (remembered_ != nullptr) give_back(remembered_, remembered_room_ * sizeof(void*), alignof(void*));
    if (options_.generational) __atomic_fetch_sub(&told_heaps, 1u, __ATOMIC_RELAXED);  // pairs with nothing: see told()
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
