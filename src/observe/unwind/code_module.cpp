#include "code_module.hpp"

#include <dlfcn.h>

#include <cstring>

#if __has_include(<bits/dl_find_object.h>)
extern "C" [[gnu::weak]] int _dl_find_object(void*, struct dl_find_object*) noexcept;
#define ASHLAR_HAS_FIND_OBJECT 1
#else
#define ASHLAR_HAS_FIND_OBJECT 0
#endif

namespace ashlar::unwind {
namespace {

/// The file's own headers, which the loader maps with its first segment.
std::span<const ElfW(Phdr)> headers_at(std::uintptr_t begin, std::uintptr_t end) noexcept {
    ElfW(Ehdr) head;
    if (end - begin < sizeof head) return {};
    std::memcpy(&head, reinterpret_cast<const void*>(begin), sizeof head);
    if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_phentsize != sizeof(ElfW(Phdr))) return {};
    if (head.e_phoff > 4096 || head.e_phoff + head.e_phnum * sizeof(ElfW(Phdr)) > 4096) return {};
    return {reinterpret_cast<const ElfW(Phdr)*>(begin + head.e_phoff), head.e_phnum};
}

struct search {
    std::uintptr_t pc;
    code_module* out;
};

int look_at(dl_phdr_info* info, std::size_t, void* data) noexcept {
    const auto& wanted = *static_cast<search*>(data);
    const std::span headers(info->dlpi_phdr, info->dlpi_phnum);
    std::uintptr_t begin = UINTPTR_MAX, end = 0;
    const std::uint8_t* frame_header = nullptr;
    for (const auto& h : headers) {
        const std::uintptr_t at = info->dlpi_addr + h.p_vaddr;
        if (h.p_type == PT_GNU_EH_FRAME) frame_header = reinterpret_cast<const std::uint8_t*>(at);
        if (h.p_type != PT_LOAD) continue;
        if (at < begin) begin = at;
        if (at + h.p_memsz > end) end = at + h.p_memsz;
    }
    if (wanted.pc < begin || wanted.pc >= end) return 0;
    *wanted.out = {begin, end, info->dlpi_addr, info->dlpi_name, headers, frame_header};
    return 1;
}

}  // namespace

bool find_module(std::uintptr_t pc, code_module& out) noexcept {
#if ASHLAR_HAS_FIND_OBJECT
    if (&_dl_find_object != nullptr) {
        dl_find_object found;
        if (_dl_find_object(reinterpret_cast<void*>(pc), &found) != 0) return false;
        out.begin = reinterpret_cast<std::uintptr_t>(found.dlfo_map_start);
        out.end = reinterpret_cast<std::uintptr_t>(found.dlfo_map_end);
        out.bias = found.dlfo_link_map->l_addr;
        out.path = found.dlfo_link_map->l_name;
        out.headers = headers_at(out.begin, out.end);
        out.frame_header = static_cast<const std::uint8_t*>(found.dlfo_eh_frame);
        return true;
    }
#endif
    search wanted{pc, &out};
    return dl_iterate_phdr(&look_at, &wanted) != 0;
}

std::size_t code_module::readable(const void* at, unsigned rights) const noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(at);
    for (const auto& h : headers) {  // code_module.I1
        if (h.p_type != PT_LOAD || (h.p_flags & (PF_R | rights)) != (PF_R | rights)) continue;
        const std::uintptr_t from = bias + h.p_vaddr;
        if (address >= from && address < from + h.p_filesz) return from + h.p_filesz - address;
    }
    return 0;
}

std::span<const std::uint8_t> code_module::build_id() const noexcept {
    for (const auto& h : headers) {
        if (h.p_type != PT_NOTE) continue;
        const auto* at = reinterpret_cast<const std::uint8_t*>(bias + h.p_vaddr);
        std::size_t room = readable(at);
        if (room > h.p_filesz) room = h.p_filesz;
        while (room >= sizeof(ElfW(Nhdr))) {
            ElfW(Nhdr) note;
            std::memcpy(&note, at, sizeof note);
            const std::size_t name = (std::size_t{note.n_namesz} + 3) & ~std::size_t{3};
            const std::size_t bytes = (std::size_t{note.n_descsz} + 3) & ~std::size_t{3};
            if (name > room - sizeof note || bytes > room - sizeof note - name) break;
            const auto* id = at + sizeof note + name;
            if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(at + sizeof note, "GNU", 4) == 0) {
                return {id, note.n_descsz < 64 ? note.n_descsz : std::size_t{64}};
            }
            at += sizeof note + name + bytes;
            room -= sizeof note + name + bytes;
        }
    }
    return {};
}

}  // namespace ashlar::unwind
