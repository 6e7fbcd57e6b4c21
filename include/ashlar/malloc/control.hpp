// ashlar/malloc/control.hpp - the settings of the process's malloc by name and type, for C++.
//
// Layer:      malloc
// Picture:    keys::retain_bytes.set(8 << 20)           a number
//             keys::thp.get()                          a word
//             figure("live_bytes")                      what statistics count
// Complexity: O(options); a figure: O(spans).
// Failure:    each says what is wrong by a setting_error; nothing has changed then.
// Threads:    any.
// Checked by: tests/malloc/control_test.cpp, tests/malloc/program/settings.cpp
//
// To be linked with libashlar-malloc, whose C functions (malloc.h) do the work.
#pragma once

#include "ashlar/malloc/conf.hpp"
#include "ashlar/malloc/malloc.h"

namespace ashlar::malloc {

/// A value that was asked for by name, or why there is none.
template <class T>
struct setting_reply {
    T value{};
    setting_error error = setting_error::none;
    explicit operator bool() const noexcept { return error == setting_error::none; }
};

/// The name of an option with the type of its values: an integer, or an enumeration for words.
template <class T>
struct setting_key {
    const char* name;

    setting_reply<T> get() const noexcept {
        setting_reply<T> reply;
        std::int64_t number = 0;
        if constexpr (std::is_enum_v<T>) {
            char word[32];
            reply.error = static_cast<setting_error>(ashlar_setting_get_text(name, word, sizeof word));
            if (reply) reply.error = read_value(*find_option(name), word, number);
        } else {
            reply.error = static_cast<setting_error>(ashlar_setting_get(name, &number));
        }
        reply.value = static_cast<T>(number);
        return reply;
    }
    setting_error set(T value) const noexcept {
        const auto number = static_cast<std::int64_t>(value);
        if constexpr (std::is_enum_v<T>) {
            const option* const o = find_option(name);
            if (o == nullptr) return setting_error::unknown;
            if (check_value(*o, number) != setting_error::none) return setting_error::out_of_range;
            char word[32]{};
            detail::word_at(o->words, number).copy(word, sizeof word - 1);
            return static_cast<setting_error>(ashlar_setting_set_text(name, word));
        } else {
            return static_cast<setting_error>(ashlar_setting_set(name, number));
        }
    }
};

namespace keys {
inline constexpr setting_key<std::int64_t> purge_delay_ms{"purge_delay_ms"};
inline constexpr setting_key<std::int64_t> retain_bytes{"retain_bytes"};
inline constexpr setting_key<std::int64_t> large_cache_bytes{"large_cache_bytes"};
inline constexpr setting_key<std::int64_t> soft_limit_bytes{"soft_limit_bytes"};
inline constexpr setting_key<std::int64_t> hard_limit_bytes{"hard_limit_bytes"};
inline constexpr setting_key<thp_policy> thp{"thp"};
inline constexpr setting_key<extend_policy> page_extend{"page_extend"};
}  // namespace keys

/// A figure of the statistics by its key in statistic_table, as "live_bytes".
inline setting_reply<std::uint64_t> figure(std::string_view key) noexcept {
    setting_reply<std::uint64_t> reply;
    char name[64] = "stats.";
    if (key.size() >= sizeof name - 6) {
        reply.error = setting_error::unknown;
        return reply;
    }
    key.copy(name + 6, key.size());
    std::int64_t number = 0;
    reply.error = static_cast<setting_error>(ashlar_setting_get(name, &number));
    reply.value = static_cast<std::uint64_t>(number);
    return reply;
}

}  // namespace ashlar::malloc
