#include "rule_cache.hpp"

#include "ashlar/os/platform.hpp"
#include "code_module.hpp"
#include "frame_table.hpp"

namespace ashlar::unwind {

constinit rule_cache rules;

bool rule_cache::prepare() noexcept {
    if (slots_.load(std::memory_order_acquire) != nullptr) return true;
    constexpr std::size_t bytes = sizeof(slot) << bits;
    const auto space = os::reserve(bytes, os::page_size());
    if (!space || !os::commit(space->data, bytes)) return false;
    slots_.store(reinterpret_cast<slot*>(space->data), std::memory_order_release);
    return true;
}

void rule_cache::forget_all() noexcept {
    const std::uint32_t now = epoch_.fetch_add(1, std::memory_order_acq_rel) + 1;
    slot* const all = slots_.load(std::memory_order_acquire);
    if ((now & 0xFF) != 0 || all == nullptr) return;
    // The eight bits that a rule keeps of its epoch begin again: what is 256 epochs old must not pass for new.
    for (std::size_t i = 0; i < std::size_t{1} << bits; ++i) all[i].word.store(0, std::memory_order_relaxed);
}

rule rule_cache::find_further(std::uintptr_t pc) noexcept {
    const std::uint64_t seal = seal_of(pc, epoch());
    if (slot* const all = slots_.load(std::memory_order_acquire); all != nullptr) {
        for (std::size_t i = 1; i < probes; ++i) {
            const slot& s = all[(home(pc) + i) & ((std::size_t{1} << bits) - 1)];
            if (s.pc.load(std::memory_order_relaxed) != pc) continue;
            const std::uint64_t word = s.word.load(std::memory_order_relaxed);
            if (((word ^ seal) & seal_bits) == 0 && (word & 0xF) != 0) return unpack(word);
        }
    }
    code_module module;
    // Code of no module may be another tomorrow: it is not kept.
    if (!find_module(pc, module)) return {};
    const rule found = compile_rule(pc, module);
    keep(pc, pack(found, seal));
    return found;
}

void rule_cache::keep(std::uintptr_t pc, std::uint64_t word) noexcept {
    slot* const all = slots_.load(std::memory_order_acquire);
    if (all == nullptr) return;
    constexpr std::size_t mask = (std::size_t{1} << bits) - 1;
    for (std::size_t i = 0; i < probes; ++i) {
        slot& s = all[(home(pc) + i) & mask];
        std::uintptr_t there = s.pc.load(std::memory_order_relaxed);
        if (there == 0 && s.pc.compare_exchange_strong(there, pc, std::memory_order_relaxed)) there = pc;
        if (there != pc) continue;
        s.word.store(word, std::memory_order_relaxed);
        return;
    }
    // All taken: the first gives way. Who reads its word for the old pc sees that the seal is not for it (rule.I1).
    slot& s = all[home(pc)];
    s.word.store(0, std::memory_order_relaxed);
    s.pc.store(pc, std::memory_order_relaxed);
    s.word.store(word, std::memory_order_relaxed);
}

}  // namespace ashlar::unwind
