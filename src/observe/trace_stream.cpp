#include "trace_stream.hpp"

#include <atomic>
#include <cstring>

#include "ashlar/foundation/alignment.hpp"
#include "checksum.hpp"

namespace ashlar {

namespace f = trace_format;

void trace_stream::begin(std::uint32_t thread, std::uint32_t os_thread) noexcept {
    drop();
    next_bytes_ = 1;  // the file rounds up to a page
    thread_ = thread;
    os_thread_ = os_thread;
    sequence_ = 0;
    named_ = false;
    stacks_ = false;
    places_ = 0;
    next_stack_ = f::first_stack;
}

bool trace_stream::open_chunk(trace_file& file, std::uint64_t start_ticks) noexcept {
    if (chunk_ != nullptr) {
        close_chunk();
        window_.at = window_.end;
        file.leave(window_);
        drop();
    }
    // Only a first chunk is a leftover of another thread: a busy thread would come back for the next one at once.
    window_ = file.take(next_bytes_, next_bytes_ == 1);
    if (window_.base == nullptr) return false;
    next_bytes_ = next_bytes_ == 1 ? static_cast<std::size_t>(window_.end - window_.base) * 2 : next_bytes_ * 2;
    if (next_bytes_ > most) next_bytes_ = most;

    chunk_ = reinterpret_cast<f::chunk_header*>(window_.at);
    chunk_->capacity = static_cast<std::uint32_t>(window_.end - window_.at);
    chunk_->thread = thread_;
    chunk_->os_thread = os_thread_;
    chunk_->sequence = sequence_++;
    chunk_->coding = 0;
    chunk_->start_ticks = start_ticks;
    chunk_->start_monotonic_ns = file.clock().ns_at(start_ticks);
    if (!named_) trace_system::thread_name(name_);
    std::memcpy(chunk_->name, name_, sizeof name_);
    std::atomic_ref<std::uint32_t>(chunk_->magic).store(f::chunk_magic, std::memory_order_release);  // trace_format.I1
    if (window_.before != nullptr) {
        // Only now may the chunk before shrink: a reader that steps over it must land on a chunk.
        const auto gap = reinterpret_cast<std::byte*>(chunk_) - reinterpret_cast<std::byte*>(window_.before);
        std::atomic_ref<std::uint32_t>(window_.before->capacity)
            .store(static_cast<std::uint32_t>(gap), std::memory_order_release);
    }
    encoder_.restart(start_ticks, stacks_);
    at_ = window_.at + sizeof(f::chunk_header);
    limit_ = last_ = window_.end - f::record_limit;
    if (stacks_) commit(at_, f::define_counts, record_encoder::put(record_encoder::put(at_ + 1, places_), next_stack_));
    return true;
}

bool trace_stream::go_on(trace_file& file, std::uint64_t ticks) noexcept {
    if ((at_ == nullptr || at_ > last_) && !open_chunk(file, ticks)) return false;
    if (file.is_time_for_memory(ticks)) note_memory(file, ticks);
    if (at_ > last_) return open_chunk(file, ticks);
    limit_ = last_ - at_ > stop_bytes ? at_ + stop_bytes : last_;
    return true;
}

bool trace_stream::tell_memory(trace_file& file, std::uint64_t ticks, std::uint64_t resident, std::uint64_t committed) noexcept {
    if (!have_room(file, ticks)) return false;
    const std::uint64_t start = file.clock().start_ticks();
    std::byte* out = record_encoder::put(at_ + 1, ticks > start ? ticks - start : 0);
    commit(at_, f::tell_memory, record_encoder::put(record_encoder::put(out, resident), committed));
    return true;
}

bool trace_stream::tell_text(trace_file& file, std::uint64_t ticks, const char* text, std::size_t size) noexcept {
    while (size != 0) {
        if (!have_room(file, ticks)) return false;
        const std::size_t part = size < f::bytes_in_record ? size : f::bytes_in_record;
        at_[1] = static_cast<std::byte>(part);
        std::memcpy(at_ + 2, text, part);
        commit(at_, f::tell_text, at_ + 2 + part);
        text += part;
        size -= part;
    }
    return true;
}

void trace_stream::note_memory(trace_file& file, std::uint64_t ticks) noexcept {
    std::uint64_t resident, committed;
    if (at_ == nullptr || at_ > last_ || !trace_system::memory_of_process(resident, committed)) return;
    limit_ = last_;  // no stop within a stop
    tell_memory(file, ticks, resident, committed);
}

void trace_stream::commit(std::byte* head, unsigned tag, std::byte* after) noexcept {
    std::atomic_ref<std::byte>(*head).store(static_cast<std::byte>(tag), std::memory_order_release);  // trace_format.I2
    at_ = after;
}

std::uint32_t trace_stream::define_place(trace_file& file, std::uint64_t ticks, std::uint32_t module,
                                         std::uint64_t offset) noexcept {
    if (!have_room(file, ticks) || places_ == no_number - 1) return no_number;
    commit(at_, f::define_place, record_encoder::put(record_encoder::put(at_ + 1, module), offset));
    return places_++;
}

std::uint32_t trace_stream::define_stacks(trace_file& file, std::uint64_t ticks, std::uint32_t parent,
                                          const std::uint32_t* places, std::size_t count) noexcept {
    const std::uint32_t result = next_stack_;
    if (next_stack_ > no_number - 1 - count) return no_number;
    while (count != 0) {
        if (!have_room(file, ticks)) return no_number;
        const std::size_t part = count < f::stacks_in_record ? count : f::stacks_in_record;
        std::byte* out = record_encoder::put(at_ + 1, next_stack_ - parent);
        *out++ = static_cast<std::byte>(part);
        for (std::size_t i = 0; i < part; ++i) out = record_encoder::put(out, places[i]);
        commit(at_, f::define_stacks, out);
        next_stack_ += static_cast<std::uint32_t>(part);
        parent = next_stack_ - 1;
        places += part;
        count -= part;
    }
    return result;
}

bool trace_stream::define_module(trace_file& file, std::uint64_t ticks, std::uint32_t number,
                                 const trace_module_view& what) noexcept {
    if (!have_room(file, ticks)) return false;
    std::byte* out = record_encoder::put(at_ + 1, number);
    *out++ = static_cast<std::byte>(f::module_range);
    out = record_encoder::put(record_encoder::put(record_encoder::put(out, what.bias), what.begin), what.bytes);
    commit(at_, f::define_module, out);
    const std::size_t id = what.build_id_bytes < f::bytes_in_record ? what.build_id_bytes : f::bytes_in_record;
    if (id != 0 && !define_bytes(file, ticks, number, f::module_build_id, what.build_id, id)) return false;
    for (std::size_t told = 0; told < what.path_bytes;) {
        const std::size_t rest = what.path_bytes - told;
        const std::size_t part = rest < f::bytes_in_record ? rest : f::bytes_in_record;
        if (!define_bytes(file, ticks, number, f::module_path, what.path + told, part)) return false;
        told += part;
    }
    return true;
}

bool trace_stream::define_bytes(trace_file& file, std::uint64_t ticks, std::uint32_t number, unsigned part,
                                const void* bytes, std::size_t size) noexcept {
    if (!have_room(file, ticks)) return false;
    std::byte* out = record_encoder::put(at_ + 1, number);
    *out++ = static_cast<std::byte>(part);
    *out++ = static_cast<std::byte>(size);
    std::memcpy(out, bytes, size);
    commit(at_, f::define_module, out + size);
    return true;
}

void trace_stream::close_chunk() noexcept {
    if (!named_) trace_system::thread_name(name_);  // it may have been given since
    std::memcpy(chunk_->name, name_, sizeof name_);
    const auto* from = reinterpret_cast<const std::byte*>(&chunk_->thread);
    const auto* records = reinterpret_cast<const std::byte*>(chunk_ + 1);
    chunk_->checksum = crc32c(0, from, static_cast<std::size_t>(at_ - from));
    std::atomic_ref<std::uint32_t>(chunk_->used)
        .store(static_cast<std::uint32_t>(at_ - records), std::memory_order_release);
}

void trace_stream::end(trace_file& file) noexcept {
    if (at_ == nullptr) return;
    close_chunk();
    const auto used = static_cast<std::size_t>(at_ - reinterpret_cast<std::byte*>(chunk_));
    window_.before = chunk_;
    window_.at = reinterpret_cast<std::byte*>(chunk_) + align_up(used, std::size_t{f::chunk_step});
    file.leave(window_);
    drop();
    next_bytes_ = 1;
}

void trace_stream::abandon_record() noexcept {
    // trace_stream.I1
    if (at_ != nullptr && at_ <= last_) std::memset(at_, 0, f::record_limit);
}

void trace_stream::drop() noexcept {
    at_ = limit_ = last_ = nullptr;
    chunk_ = nullptr;
    window_ = {};
}

void trace_stream::set_name(const char (&name)[16]) noexcept {
    std::memcpy(name_, name, sizeof name_);
    named_ = true;
}

}  // namespace ashlar
