// Addresses become slots here, once, so that no replay ever looks an address up.
#include "ashlar/observe/replay_script.hpp"

#include <bit>
#include <utility>
#include <vector>

#include "ashlar/foundation/contract.hpp"
#include "ashlar/observe/address_map.hpp"

namespace ashlar {

struct replay_script_builder::body {
public:
    body(replay_sink sink, std::uint64_t page_size, std::uint64_t limit)
        : sink_(std::move(sink)), page_size_(page_size), limit_(limit) {
        ASHLAR_PRE(std::has_single_bit(page_size));
        pending_.reserve(flush_at);
    }

    bool add(const event& e) {
        if (facts_.steps + 2 > limit_) {  // an event makes two steps at most
            facts_.cut = 1;
            return false;
        }
        if (e.thread >= facts_.threads) facts_.threads = e.thread + 1;
        if (e.failed) {
            ++facts_.failed_requests;
        } else if (moves(e.kind) && e.old_address != 0) {
            move(e);
        } else if (requests(e.kind)) {
            if (e.address != 0) grant(e);
        } else if (releases(e.kind) && e.address != 0) {
            release(e.address, e);
        }
        return true;
    }

    replay_facts finish() {
        flush();
        facts_.live_bytes_at_end = live_bytes_;
        return facts_;
    }

private:
    struct held {
        std::uint64_t size = 0;
        std::uint32_t slot = 0;
        std::uint8_t align_shift = 0;
    };
    static constexpr std::size_t flush_at = 8192;

    void grant(const event& e) {
        give_up_if_live(e);
        std::uint32_t slot = 0;
        if (free_slots_.empty()) {
            slot = static_cast<std::uint32_t>(facts_.slots++);
        } else {
            slot = free_slots_.back();
            free_slots_.pop_back();
        }
        const held now{size_of(e), slot, shift_of(e)};
        hold(e.address, now);
        ++facts_.allocations;
        emit(e.kind == event_kind::calloc ? replay_op::allocate_zeroed : replay_op::allocate, now, e.thread);
    }

    void move(const event& e) {
        const auto old = blocks_.take(e.old_address);
        if (!old) {
            ++facts_.foreign_releases;
            if (e.address != 0) grant(e);
            return;
        }
        if (e.address == 0) {  // realloc(p, 0) where that means free(p)
            finish_block(*old, e.thread);
            return;
        }
        live_bytes_ -= old->size;
        give_up_if_live(e);
        const held now{size_of(e), old->slot, shift_of(e)};
        hold(e.address, now);
        ++facts_.reallocations;
        emit(replay_op::reallocate, now, e.thread);
    }

    void release(std::uint64_t address, const event& e) {
        if (const auto old = blocks_.take(address)) {
            finish_block(*old, e.thread);
        } else {
            ++facts_.foreign_releases;
        }
    }

    /// A damaged trace may grant an address that is still live: its release was lost, and happens here
    /// (replay_script.I1).
    void give_up_if_live(const event& e) {
        if (const auto old = blocks_.take(e.address)) finish_block(*old, e.thread);
    }

    void finish_block(const held& block, std::uint32_t thread) {
        live_bytes_ -= block.size;
        ++facts_.deallocations;
        emit(replay_op::deallocate, block, thread);
        free_slots_.push_back(block.slot);
    }

    void hold(std::uint64_t address, const held& block) {
        blocks_.insert(address, block);
        live_bytes_ += block.size;
        facts_.bytes_allocated += block.size;
        if (live_bytes_ > facts_.peak_bytes) facts_.peak_bytes = live_bytes_;
        if (block.size > facts_.largest_bytes) facts_.largest_bytes = block.size;
    }

    void emit(replay_op op, const held& block, std::uint32_t thread) {
        ASHLAR_INVARIANT(block.size != 0);  // replay_script.I2
        pending_.push_back({block.size, block.slot, static_cast<std::uint16_t>(thread), block.align_shift, op});
        ++facts_.steps;
        if (pending_.size() == flush_at) flush();
    }

    void flush() {
        if (!pending_.empty()) sink_(pending_);
        pending_.clear();
    }

    static std::uint64_t size_of(const event& e) noexcept { return e.size == 0 ? 1 : e.size; }

    std::uint8_t shift_of(const event& e) const noexcept {
        std::uint64_t align = malloc_alignment(size_of(e));
        if (states_alignment(e.kind) && std::has_single_bit(e.alignment) && e.alignment > align) align = e.alignment;
        if ((e.kind == event_kind::valloc || e.kind == event_kind::pvalloc) && page_size_ > align) align = page_size_;
        return static_cast<std::uint8_t>(std::countr_zero(align));
    }

    replay_sink sink_;
    std::uint64_t page_size_;
    std::uint64_t limit_;
    replay_facts facts_;
    std::uint64_t live_bytes_ = 0;
    address_map<held> blocks_;
    std::vector<std::uint32_t> free_slots_;
    std::vector<replay_step> pending_;
};

replay_script_builder::replay_script_builder(replay_sink sink, std::uint64_t page_size, std::uint64_t limit)
    : body_(std::make_unique<body>(std::move(sink), page_size, limit)) {}
replay_script_builder::~replay_script_builder() = default;
replay_script_builder::replay_script_builder(replay_script_builder&&) noexcept = default;
replay_script_builder& replay_script_builder::operator=(replay_script_builder&&) noexcept = default;

bool replay_script_builder::add(const event& e) { return body_->add(e); }
replay_facts replay_script_builder::finish() { return body_->finish(); }

}  // namespace ashlar
