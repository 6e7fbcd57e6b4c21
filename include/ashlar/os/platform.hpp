// ashlar/os/platform.hpp - everything Ashlar asks of the operating system, in one page.
//
// Layer:      os
// Picture:    reserved:   address space only; touching it faults
//             committed:  readable and writable, zero until first written
//             purged:     still committed, its memory given back; reads as zero again
// Complexity: a system call each, except page_size, cpu_count and thread_id (cached).
// Failure:    a refusal is a value; the range is then as it was. errno is kept as the caller had it.
// Threads:    every function may be called from any thread, before main and after exit has begun, and
//             from inside malloc: none allocates, throws or can be cancelled.
// Checked by: tests/os/platform_test.cpp
//
// A port is this page and one file in src/os/. No operating-system header is seen through it. Sizes are in
// bytes and, with addresses, multiples of page_size() unless said otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/foundation/block.hpp"
#include "ashlar/foundation/result.hpp"

namespace ashlar::os {

enum class access : std::uint8_t { none, read, read_write };
enum class advice : std::uint8_t {
    huge_pages,     ///< back it with huge pages where possible
    no_huge_pages,  ///< never
    no_dump,        ///< leave it out of core dumps
    dump,           ///< take no_dump back
    guard,          ///< touching it faults from now on, and its memory is given back; no mapping is split (Linux 6.13)
    no_guard,       ///< take guard back: it reads as zero
};

/// The unit of the functions below, found at run time: 4, 16 or 64 KiB.
std::size_t page_size() noexcept;
/// The huge page that the kernel may back anonymous memory with by itself; 0 for none.
std::size_t huge_page_size() noexcept;

/// Address space at a multiple of `align`, inaccessible and uncharged. Any align that is a power of two.
result<block> reserve(std::size_t size, std::size_t align) noexcept;
/// Reserves up to `most` bytes: a refused size is halved until it fits, not below `least`.
result<block> reserve_up_to(std::size_t most, std::size_t least, std::size_t align) noexcept;
/// Makes reserved pages readable and writable. Pages never written before read as zero.
bool commit(std::byte* p, std::size_t size) noexcept;
/// Back to reserved: memory and charge are given back, the pages are inaccessible, advice is forgotten.
bool decommit(std::byte* p, std::size_t size) noexcept;
/// Gives the memory back at once; the pages stay committed and read as zero. Refuses locked pages.
bool purge(std::byte* p, std::size_t size) noexcept;
/// Ends the reservation of the range, which may be a part of what reserve gave.
bool release(std::byte* p, std::size_t size) noexcept;
/// Makes a committed range longer or shorter without copying. What is added reads as zero. Where it may
/// move, the new address is a multiple of page_size() and of nothing more, and the old range is released.
result<block> remap(std::byte* p, std::size_t old_size, std::size_t new_size, bool may_move) noexcept;

bool protect(std::byte* p, std::size_t size, access allowed) noexcept;
/// Faults committed pages in now, for writing.
bool populate(std::byte* p, std::size_t size) noexcept;
bool advise(std::byte* p, std::size_t size, advice wish) noexcept;

/// The kernel's number of this thread: unique among the running threads, never 0, another one in the child of fork.
/// Asked each time: what is remembered would be the parent's after a fork that the C library did not see.
std::uint32_t thread_id() noexcept;
/// Bytes of address space that this process may have (RLIMIT_AS); the most there is where it has no limit.
std::size_t address_space_limit() noexcept;
/// The processor this thread runs on now.
std::uint32_t cpu_id() noexcept;
/// How many processors this process may run on; at least 1.
std::uint32_t cpu_count() noexcept;
/// Every other thread of the process that runs passes a full fence before this returns; who sleeps has passed one.
/// @returns false where the system has no such call
bool fence_all_threads() noexcept;
/// A number that nobody can guess; never 0.
std::uint64_t random_word() noexcept;
/// Monotonic, in nanoseconds.
std::uint64_t now_ns() noexcept;
/// Bytes of this process resident in memory; 0 where that cannot be told.
std::size_t resident_bytes() noexcept;

/// Writes to standard error, without allocating or buffering; what cannot be written is dropped.
void write_error(const char* text, std::size_t length) noexcept;

/// From now on write_error reaches what standard error is at this moment even after the program has closed it, as
/// those of coreutils do before exit handlers run. Takes a descriptor, which exec closes.
/// @pre no other thread calls write_error meanwhile
void keep_standard_error() noexcept;

}  // namespace ashlar::os
