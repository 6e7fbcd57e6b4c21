// See footprint.hpp.
#include "footprint.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>

#include "ashlar/os/platform.hpp"

namespace ashlar::app {

std::uint64_t own_memory() noexcept {
    std::array<char, 4096> text{};
    const int fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return os::resident_bytes();
    std::size_t length = 0;
    for (ssize_t got = 0; length < text.size(); length += static_cast<std::size_t>(got)) {
        got = read(fd, text.data() + length, text.size() - length);
        if (got <= 0) break;
    }
    close(fd);
    const std::string_view all(text.data(), length);
    constexpr std::string_view key = "\nAnonymous:";
    const auto at = all.find(key);
    if (at == std::string_view::npos) return os::resident_bytes();
    const auto digits = all.find_first_not_of(" \t", at + key.size());
    if (digits == std::string_view::npos) return os::resident_bytes();
    std::uint64_t kib = 0;
    std::from_chars(all.data() + digits, all.data() + all.size(), kib);
    return kib * 1024;
}

}  // namespace ashlar::app
