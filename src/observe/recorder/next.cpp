#include "next.hpp"

#include <dlfcn.h>
#include <stdlib.h>

#include <atomic>
#include <cstring>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/observe/trace_format.hpp"
#include "ashlar/os/platform.hpp"

namespace ashlar::recorder {

constinit next_functions next{};
constinit bool next_is_known = false;
alignas(64) constinit std::byte store[store_size]{};

namespace {

constinit std::atomic<bool> searching{false};
constinit std::atomic<std::size_t> store_used{0};

template <class Function>
void look_up(Function*& to, const char* name) noexcept {
    to = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

bool find_next() noexcept {
    // Which malloc the search itself meets is this one: it is told to use the store. Before the first answer there is
    // one thread, or several that would find the same.
    if (searching.exchange(true, std::memory_order_acquire)) return next_is_known;
    look_up(next.malloc, "malloc");
    look_up(next.calloc, "calloc");
    look_up(next.realloc, "realloc");
    look_up(next.free, "free");
    look_up(next.posix_memalign, "posix_memalign");
    look_up(next.aligned_alloc, "aligned_alloc");
    look_up(next.memalign, "memalign");
    look_up(next.valloc, "valloc");
    look_up(next.pvalloc, "pvalloc");
    look_up(next.malloc_usable_size, "malloc_usable_size");
    look_up(next.free_sized, "free_sized");
    look_up(next.free_aligned_sized, "free_aligned_sized");
    look_up(next.fork, "fork");
    look_up(next.dlclose, "dlclose");
    look_up(next.dlopen, "dlopen");
    look_up(next.mmap, "mmap");
    look_up(next.munmap, "munmap");
    look_up(next.mremap, "mremap");
    if (!next.malloc || !next.calloc || !next.realloc || !next.free || !next.memalign || !next.posix_memalign) {
        static constexpr char text[] = "ashlar: libashlar-record.so finds no malloc behind itself\n";
        os::write_error(text, sizeof text - 1);
        abort();
    }
    std::atomic_ref<bool>(next_is_known).store(true, std::memory_order_release);
    return true;
}

std::uint32_t flag_of_next() noexcept {
    Dl_info of{};
    if (!next_is_known || dladdr(reinterpret_cast<void*>(next.malloc), &of) == 0 || of.dli_fname == nullptr) return 0;
    const char* name = std::strrchr(of.dli_fname, '/');
    name = name != nullptr ? name + 1 : of.dli_fname;
    if (std::strcmp(name, "libashlar-malloc.so") == 0) return trace_format::flag_malloc_is_ashlar;
    return std::strcmp(name, "libc.so.6") == 0 ? trace_format::flag_malloc_is_glibc : 0;
}

void* take_from_store(std::size_t size, std::size_t align) noexcept {
    // Before each block its size; the block itself at least 16-aligned.
    if (align < 16) align = 16;
    if (size > store_size || align > 4096) return nullptr;
    const std::size_t need = size + 16 + align;
    const std::size_t at = store_used.fetch_add(need, std::memory_order_relaxed);
    if (at + need > store_size) return nullptr;
    const auto address = align_up(reinterpret_cast<std::uintptr_t>(store + at + 16), std::uintptr_t{align});
    auto* p = reinterpret_cast<std::byte*>(address);
    std::memcpy(p - sizeof size, &size, sizeof size);
    return p;
}

std::size_t size_in_store(const void* p) noexcept {
    std::size_t size;
    std::memcpy(&size, static_cast<const std::byte*>(p) - sizeof size, sizeof size);
    return size;
}

}  // namespace ashlar::recorder
