#include "control.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "../trace_system.hpp"
#include "start.hpp"

namespace ashlar::recorder {

namespace sys = trace_system;

namespace {

constexpr std::uint32_t recorded_at_start = 1, paused_at_start = 2;

constinit std::uint32_t always = 1;  // without a page
constinit control_page* page = nullptr;
constinit text path;

control_page* make_page(const char* folder) noexcept {
    path = text{};
    path << folder << "/" << sys::process();
    if (!path.whole) return nullptr;
    sys::remove(path.bytes);  // of an earlier process of this number, or of the program before exec
    const int file = sys::create(path.bytes);
    if (file < 0) return nullptr;
    std::byte* p = sys::reserve_space(file, 0, sizeof(control_page)) == 0 ? sys::map_window(file, 0, sizeof(control_page)) : nullptr;
    sys::close(file);
    if (p == nullptr) sys::remove(path.bytes);
    return reinterpret_cast<control_page*>(p);
}

}  // namespace

constinit std::atomic<std::uint32_t*> order{&always};

void open_control() noexcept {
    if (environ == nullptr || (page != nullptr && page->process == sys::process())) return;
    // A fork's child is recorded if its parent is from its beginning; else nobody has asked for it.
    const bool paused = page != nullptr ? page->order != recorded_at_start : from_environment("ASHLAR_PAUSED") != nullptr;
    if (page != nullptr) {
        always = paused ? 0 : 1;
        order.store(&always, std::memory_order_relaxed);
        sys::unmap_window(reinterpret_cast<std::byte*>(page), sizeof *page);
        page = nullptr;
    }
    const char* folder = from_environment("ASHLAR_CONTROL");
    if (folder == nullptr || *folder != '/' || sys::has_borrowed_rights()) return;
    page = make_page(folder);
    if (page == nullptr) return;
    page->version = control_page::expected_version;
    page->process = sys::process();
    page->process_start = sys::process_start();
    page->order = page->heeded = paused ? paused_at_start : recorded_at_start;
    std::atomic_ref(page->magic).store(control_page::expected_magic, std::memory_order_release);
    order.store(&page->order, std::memory_order_release);
}

const control_page* asked() noexcept {
    if (page == nullptr) return nullptr;
    const std::uint32_t now = std::atomic_ref(page->order).load(std::memory_order_acquire);  // pairs with begin(): its wishes
    return now > paused_at_start ? page : nullptr;
}

void heed(int error, const char* trace) noexcept {
    if (page == nullptr) return;
    std::uint32_t now = std::atomic_ref(page->order).load(std::memory_order_relaxed);
    if (trace != nullptr && std::strlen(trace) < sizeof page->trace) std::memcpy(page->trace, trace, std::strlen(trace) + 1);
    if (error != 0) {
        std::atomic_ref(page->error).store(static_cast<std::uint32_t>(error), std::memory_order_relaxed);
        if (std::atomic_ref(page->order).compare_exchange_strong(now, now + 1, std::memory_order_relaxed)) ++now;
    }
    std::atomic_ref(page->heeded).store(now, std::memory_order_release);  // pairs with has_heeded()
}

void close_control() noexcept {
    if (page != nullptr && page->process == sys::process()) sys::remove(path.bytes);  // control.I1
}

}  // namespace ashlar::recorder
