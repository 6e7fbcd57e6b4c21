// tests/support/section_of.hpp - the section of the program's own file that an address was loaded from.
#pragma once

#include <elf.h>
#include <link.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace support {

/// @returns its name; empty for none, or for an address of a shared library
inline std::string section_of(const void* p) {
    std::uintptr_t loaded_at = 0;
    dl_iterate_phdr([](dl_phdr_info* program, std::size_t, void* at) {
        *static_cast<std::uintptr_t*>(at) = program->dlpi_addr;
        return 1;  // the first is the program itself
    }, &loaded_at);
    std::ifstream file("/proc/self/exe", std::ios::binary | std::ios::ate);
    std::string bytes(static_cast<std::size_t>(file.tellg()), '\0');
    file.seekg(0).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    const auto& elf = *reinterpret_cast<const ElfW(Ehdr)*>(bytes.data());
    const auto* const sections = reinterpret_cast<const ElfW(Shdr)*>(bytes.data() + elf.e_shoff);
    const char* const names = bytes.data() + sections[elf.e_shstrndx].sh_offset;
    const std::uintptr_t sought = reinterpret_cast<std::uintptr_t>(p) - loaded_at;
    for (unsigned i = 0; i < elf.e_shnum; ++i) {
        const auto& s = sections[i];
        if ((s.sh_flags & SHF_ALLOC) != 0 && s.sh_addr <= sought && sought - s.sh_addr < s.sh_size) return names + s.sh_name;
    }
    return {};
}

}  // namespace support
