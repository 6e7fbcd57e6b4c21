// A library that allocates whenever it can: when it is opened, used, and closed, and for each thread that uses it.
#include <cstdlib>
#include <cstring>

namespace {

struct object {
    void* p;
    explicit object(std::size_t size) : p(std::malloc(size)) { std::memset(p, 5, size); }
    ~object() {
        std::free(std::realloc(p, 9000));
        std::free(std::calloc(3, 500));
    }
};
object opened(4000);
thread_local object of_thread(150);

[[gnu::constructor]] void begin() { std::free(std::malloc(100'000)); }
[[gnu::destructor]] void end() { std::free(std::malloc(60)); }

}  // namespace

extern "C" __attribute__((visibility("default"))) void* visitor_use(std::size_t size) {
    void* p = std::realloc(std::malloc(size), 2 * size);
    std::memset(p, 7, 2 * size);
    return p;
}
/// Its object of this thread keeps the library loaded until the thread ends.
extern "C" __attribute__((visibility("default"))) void* visitor_use_in_thread(std::size_t size) {
    static_cast<char*>(of_thread.p)[0] = 1;
    return visitor_use(size);
}
