// Uses a compiled layer.
#include <ashlar/os/platform.hpp>

int main() {
    const auto pages = ashlar::os::reserve(ashlar::os::page_size(), ashlar::os::page_size());
    return pages && ashlar::os::commit(pages->data, pages->size) && ashlar::os::release(pages->data, pages->size) ? 0 : 1;
}
