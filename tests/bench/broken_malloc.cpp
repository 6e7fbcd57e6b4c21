// broken_malloc - glibc's malloc with one defect, chosen by BROKEN_MALLOC: shows that the workloads notice.
//
// After 10000 blocks of at least 32 bytes the defect happens once: `twice` hands a live block out again, `overlap` gives
// the middle of a live block, `misaligned` an address that is no multiple of 16, `null` nothing. `realloc` moves
// a growing block without its contents.

#include <cstddef>
#include <cstdlib>
#include <cstring>

extern "C" {
void* __libc_malloc(std::size_t);
void __libc_free(void*);
void* __libc_realloc(void*, std::size_t);
}

namespace {

char* last = nullptr;  // the youngest block that is still live
std::size_t last_size = 0, blocks = 0;
char *fake = nullptr, *behind_fake = nullptr;

bool defect_is(const char* name) {
    const char* chosen = std::getenv("BROKEN_MALLOC");
    return chosen && std::strcmp(chosen, name) == 0;
}

char* defective(std::size_t size) {
    if (defect_is("null")) return nullptr;
    if (defect_is("twice") && last_size >= size) return last;
    if (defect_is("overlap") && last_size >= size) return fake = last + 16;
    if (defect_is("misaligned")) {
        behind_fake = static_cast<char*>(__libc_malloc(size + 16));
        return fake = behind_fake + 8;
    }
    return static_cast<char*>(__libc_malloc(size));
}

}  // namespace

extern "C" void* malloc(std::size_t size) {
    const bool now = size >= 32 && last && ++blocks >= 10'000 && !fake && blocks < 20'000;
    char* p = now ? defective(size) : static_cast<char*>(__libc_malloc(size));
    if (size >= 32) last = p, last_size = size;
    return p;
}

extern "C" void free(void* p) {
    if (p == last) last = nullptr;
    if (p && p == fake) p = behind_fake;
    __libc_free(p);
}

extern "C" void* realloc(void* p, std::size_t size) {
    if (!p || !size || !defect_is("realloc")) return __libc_realloc(p, size);
    void* fresh = __libc_malloc(size);  // the defect: nothing is copied
    __libc_free(p);
    return fresh;
}
