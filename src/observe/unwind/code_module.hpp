// src/observe/unwind/code_module.hpp - which loaded file an address of code belongs to.
//
// Layer:      observe
// Source:     _dl_find_object(3) (glibc 2.35), which takes no lock; dl_iterate_phdr(3) where it is missing.
// Complexity: O(log modules), or O(modules) by dl_iterate_phdr.
// Failure:    false for an address of no module: code made at run time, or garbage.
// Threads:    any. Nothing allocates.
// Invariants: code_module.I1  readable() reaches only into segments that the file's headers call readable
// Checked by: tests/observe/unwind
#pragma once

#include <elf.h>
#include <link.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace ashlar::unwind {

struct code_module {
    std::uintptr_t begin = 0;  ///< of its mapping
    std::uintptr_t end = 0;
    std::uintptr_t bias = 0;   ///< from addresses of the file to addresses of the process
    const char* path = "";     ///< "" for the program itself
    std::span<const ElfW(Phdr)> headers;
    const std::uint8_t* frame_header = nullptr;  ///< .eh_frame_hdr; null if there is none

    /// @returns how many bytes can be read at the address, in a segment that also has these rights (PF_X)
    std::size_t readable(const void* at, unsigned rights = 0) const noexcept;
    /// @returns the note's bytes, at most 64 of them; empty if the file has none
    std::span<const std::uint8_t> build_id() const noexcept;
};

bool find_module(std::uintptr_t pc, code_module& out) noexcept;

}  // namespace ashlar::unwind
