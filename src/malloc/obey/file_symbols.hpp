// ashlar/src/malloc/obey/file_symbols.hpp - a file that is loaded: its build id, and the calls within one of its functions.
//
// Layer:      malloc
// Source:     System V ABI, chapters 4 and 5 (notes, dynamic symbols, the GNU hash table's layout); AMD64 manual, vol. 3, CALL.
// Picture:    symbol -> [ e8 . . . . | ]   [ ff 15 . . . . | ]     behind each of these a call may return: more places than
//             there are calls of malloc, and those that are none are never returned to
// Complexity: build id: O(notes). A symbol: O(symbols), once for each rule that needs it.
// Failure:    nothing is found where a table is not there or leads out of the file's memory.
// Threads:    any, while the file stays loaded.
// Checked by: tests/malloc/program/routed.py
//
// Only symbols that the file exports: others are not in memory.
#pragma once

#include <elf.h>
#include <link.h>

#include <cstring>
#include <string_view>

#include "ashlar/malloc/conf.hpp"

namespace ashlar::malloc {

struct loaded_file {
    std::uintptr_t bias = 0;
    std::uintptr_t begin = 0;  ///< where its first part lies
    const ElfW(Phdr)* parts = nullptr;
    std::size_t count = 0;
    std::string_view path;

    loaded_file(std::uintptr_t from, const ElfW(Phdr)* headers, std::size_t n, const char* name) noexcept
        : bias(from), parts(headers), count(n), path(name == nullptr ? "" : name) {
        for (std::size_t i = 0; i < count && begin == 0; ++i) {
            if (parts[i].p_type == PT_LOAD) begin = (bias + parts[i].p_vaddr) & ~std::uintptr_t{4095};
        }
    }
    /// By what the loader finds for an address.
    static loaded_file at(const dl_find_object& module) noexcept {
        const auto* const header = static_cast<const ElfW(Ehdr)*>(module.dlfo_map_start);
        const bool whole = std::memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 && header->e_phoff + header->e_phnum * sizeof(ElfW(Phdr)) <= 4096;
        const auto* const headers = reinterpret_cast<const ElfW(Phdr)*>(reinterpret_cast<const char*>(header) + header->e_phoff);
        loaded_file file(module.dlfo_link_map->l_addr, headers, whole ? header->e_phnum : 0, module.dlfo_link_map->l_name);
        file.begin = reinterpret_cast<std::uintptr_t>(header);
        return file;
    }

    /// @returns whether these digits begin its build id. @pre they are hexadecimal; none are no id
    bool is_build(std::string_view digits) const noexcept {
        if (digits.empty()) return false;
        bool is = false;
        for_each_note([&](const ElfW(Nhdr)& note, const unsigned char* name, const unsigned char* bytes) {
            if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 || std::memcmp(name, "GNU", 4) != 0) return;
            if (digits.size() > 2 * note.n_descsz) return;
            is = true;
            for (std::size_t i = 0; i < digits.size(); ++i) {
                const unsigned digit = i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 15u;
                is = is && digits[i] == "0123456789abcdef"[digit];
            }
        });
        return is;
    }
    /// The name up to .so, so that another version has it too.
    bool is_named_like(std::string_view file) const noexcept {
        return !file.empty() && stem(own_name()) == stem(file);
    }
    bool has_code_at(std::uintptr_t offset) const noexcept {
        for (std::size_t i = 0; i < count; ++i) {
            const auto& p = parts[i];
            if (p.p_type == PT_LOAD && (p.p_flags & PF_X) != 0 && offset > p.p_vaddr && offset - p.p_vaddr < p.p_memsz) return true;
        }
        return false;
    }
    /// Where calls within the function return to. @returns how many were found, at most `most`
    std::size_t calls_of(std::string_view symbol, std::uintptr_t* out, std::size_t most) const noexcept;

private:
    static std::string_view last_of(std::string_view path) noexcept {
        const std::size_t slash = path.rfind('/');
        return slash == path.npos ? path : detail::after(path, slash + 1);
    }
    static std::string_view stem(std::string_view name) noexcept { return detail::before(name, name.find(".so")); }
    /// The program's own file has no path in the loader's list.
    std::string_view own_name() const noexcept {
        return path.empty() ? std::string_view(program_invocation_short_name) : last_of(path);
    }
    template <class F>
    void for_each_note(F f) const noexcept {
        for (std::size_t i = 0; i < count; ++i) {
            if (parts[i].p_type != PT_NOTE) continue;
            const auto* at = reinterpret_cast<const unsigned char*>(bias + parts[i].p_vaddr);
            const unsigned char* const end = at + parts[i].p_memsz;
            while (end - at > static_cast<std::ptrdiff_t>(sizeof(ElfW(Nhdr)))) {
                ElfW(Nhdr) note;
                std::memcpy(&note, at, sizeof note);
                const unsigned char* const name = at + sizeof note;
                const std::size_t names = (note.n_namesz + 3u) & ~std::size_t{3}, bytes = (note.n_descsz + 3u) & ~std::size_t{3};
                if (names + bytes > static_cast<std::size_t>(end - name)) return;
                f(note, name, name + names);
                at = name + names + bytes;
            }
        }
    }
    const void* table_at(ElfW(Sxword) tag) const noexcept {
        for (std::size_t i = 0; i < count; ++i) {
            if (parts[i].p_type != PT_DYNAMIC) continue;
            for (const auto* d = reinterpret_cast<const ElfW(Dyn)*>(bias + parts[i].p_vaddr); d->d_tag != DT_NULL; ++d) {
                // The loader has added the bias to most of them.
                if (d->d_tag == tag) return reinterpret_cast<const void*>(d->d_un.d_ptr >= begin ? d->d_un.d_ptr : bias + d->d_un.d_ptr);
            }
        }
        return nullptr;
    }
    /// How many dynamic symbols there are: the last chain of the hash table ends with the last of them.
    std::size_t symbol_count() const noexcept {
        const auto* const hash = static_cast<const std::uint32_t*>(table_at(DT_GNU_HASH));
        if (hash == nullptr) return 0;
        const std::uint32_t buckets = hash[0], first = hash[1], words = hash[2];
        const std::uint32_t* const bucket = hash + 4 + words * (sizeof(ElfW(Addr)) / 4);
        std::uint32_t last = 0;
        for (std::uint32_t i = 0; i < buckets; ++i) last = bucket[i] > last ? bucket[i] : last;
        if (last < first) return 0;
        const std::uint32_t* const chain = bucket + buckets;
        while ((chain[last - first] & 1) == 0) ++last;
        return last + 1;
    }
};

inline std::size_t loaded_file::calls_of(std::string_view symbol, std::uintptr_t* out, std::size_t most) const noexcept {
    const auto* const symbols = static_cast<const ElfW(Sym)*>(table_at(DT_SYMTAB));
    const auto* const names = static_cast<const char*>(table_at(DT_STRTAB));
    if (symbols == nullptr || names == nullptr) return 0;
    const std::size_t all = symbol_count();
    for (std::size_t i = 0; i < all; ++i) {
        const ElfW(Sym)& s = symbols[i];
        if (ELF64_ST_TYPE(s.st_info) != STT_FUNC || s.st_shndx == SHN_UNDEF || symbol != names + s.st_name) continue;
        if (!has_code_at(s.st_value + 1) || !has_code_at(s.st_value + s.st_size - 1)) return 0;
        const auto* const code = reinterpret_cast<const unsigned char*>(bias + s.st_value);
        std::size_t n = 0;
        for (std::size_t at = 0; at + 5 <= s.st_size && n != most; ++at) {
            const bool near = code[at] == 0xe8, by_table = at + 6 <= s.st_size && code[at] == 0xff && code[at + 1] == 0x15;
            if (near || by_table) out[n++] = reinterpret_cast<std::uintptr_t>(code + at + (near ? 5 : 6));
        }
        return n;
    }
    return 0;
}

}  // namespace ashlar::malloc
