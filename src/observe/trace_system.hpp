// src/observe/trace_system.hpp - what recording asks of the operating system.
//
// Layer:      observe
// Complexity: a system call or two each.
// Failure:    told by value, as an errno number where the cause matters. errno itself is never changed: these
//             functions run inside the recorded program's malloc.
// Threads:    any thread, and inside signal handlers: nothing here allocates, locks or is a cancellation point.
// Checked by: tests/observe/trace_system_test.cpp
//
// Memory, page size and the like come from ashlar/os/platform.hpp; this page adds files and the process's own
// papers. A port is this page, trace_system.cpp and trace_clock.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::trace_system {

/// Which file it is, whatever its name or descriptor. Only regular files have one.
struct file_identity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    friend constexpr bool operator==(const file_identity&, const file_identity&) = default;
};

/// Creates the file for this user alone. Never opens, follows or empties what is there already.
/// @returns a descriptor that exec closes, or the negative errno number
int create(const char* path) noexcept;
/// Opens a regular file that exists; a symbolic link is refused. @returns as create
int open_existing(const char* path, bool writable) noexcept;
/// The same for a reader, which may follow a link that its user names.
int open_to_read(const char* path) noexcept;
/// Moves the descriptor out of the way of the low numbers that programs use. @returns the new one (the old if it must)
int move_high(int file) noexcept;
void close(int file) noexcept;
/// While a process maps the file through this descriptor or has it open, nobody gets it alone, in whichever container:
/// the lock belongs to the open file and ends with its last mapping.
void hold_shared(int file) noexcept;
void let_go(int file) noexcept;
/// @returns 0, EWOULDBLOCK while others hold it, or another errno number
int hold_alone(int file) noexcept;
void remove(const char* path) noexcept;
bool identify(int file, file_identity& out) noexcept;
std::uint64_t size_of(int file) noexcept;
/// @returns bytes read; fewer than asked for at the end or on an error
std::size_t read_at(int file, void* to, std::size_t size, std::uint64_t offset) noexcept;
bool write_at(int file, const void* from, std::size_t size, std::uint64_t offset) noexcept;
/// @returns the offset of the next byte at or after `offset` that was ever written, or the file's size
std::uint64_t next_data(int file, std::uint64_t offset) noexcept;
/// Renames unless `to` exists. @returns 0 or the errno number
int rename_to_new(const char* from, const char* to) noexcept;

/// Makes sure that writing to the range cannot fail for want of space, so that a mapping of it never faults.
/// Asks for the process's file size limit first: passing it would send a signal. @returns 0 or the errno number
int reserve_space(int file, std::uint64_t offset, std::uint64_t size) noexcept;
/// @returns a shared writable mapping of the range, or nullptr
std::byte* map_window(int file, std::uint64_t offset, std::size_t size) noexcept;
void unmap_window(std::byte* window, std::size_t size) noexcept;
/// @returns zeroed memory that a fork's child finds zeroed again, whichever way it was forked; nullptr if the
///          kernel has no such memory
std::byte* map_wiped_on_fork(std::size_t size) noexcept;

std::uint32_t process() noexcept;
std::uint32_t parent() noexcept;
/// @returns the kernel's start time of this process, which exec keeps and no other process of this id has; 0: unknown
std::uint64_t process_start() noexcept;
/// The same of another process. @returns 0 also if it has ended, reaped or not
std::uint64_t process_start(std::uint32_t process) noexcept;
/// @returns whether this program runs with more rights than its user (setuid and the like)
bool has_borrowed_rights() noexcept;
/// What memory this process has, in bytes: resident, and private that may be written. @returns false if the kernel does not say
bool memory_of_process(std::uint64_t& resident, std::uint64_t& committed) noexcept;
std::uint32_t os_thread() noexcept;
void thread_name(char (&out)[16]) noexcept;
/// @returns bytes stored, at most room; `cut` tells whether there were more
std::size_t command_line(char* out, std::size_t room, bool& cut) noexcept;
std::size_t executable(char* out, std::size_t room) noexcept;
std::size_t working_directory(char* out, std::size_t room) noexcept;
void yield() noexcept;

}  // namespace ashlar::trace_system
