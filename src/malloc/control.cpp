// ashlar/src/malloc/control.cpp - settings and figures by name, while the program runs.
//
// Layer:      malloc
// Complexity: O(options); a figure: O(spans).
// Failure:    each function says what is wrong; nothing has changed then.
// Threads:    any.
// Checked by: tests/malloc/program/settings.cpp
#include "ashlar/malloc/conf.hpp"
#include "ashlar/malloc/malloc.h"
#include "export.hpp"
#include "printers.hpp"
#include "process.hpp"

namespace core = ashlar::malloc;
using core::setting_error;

namespace {

constexpr std::string_view stats_prefix = "stats.";

static_assert(static_cast<int>(setting_error::fixed) == ashlar_setting_fixed);

ashlar_setting_error as_c(setting_error error) noexcept { return static_cast<ashlar_setting_error>(error); }

bool read_figure(std::string_view name, std::int64_t& value) noexcept {
    if (!name.starts_with(stats_prefix)) return false;
    name.remove_prefix(stats_prefix.size());
    for (const core::statistic& f : core::statistic_table) {
        if (f.key != name) continue;
        core::statistics s;
        core::gather(s);
        value = static_cast<std::int64_t>(s.*f.value);
        return true;
    }
    return false;
}

setting_error change(const core::option& o, std::int64_t value) noexcept {
    if (!o.at_run_time) return setting_error::fixed;
    const setting_error wrong = core::check_value(o, value);
    if (wrong == setting_error::none) core::the_store.change(o.value, value);
    return wrong;
}

/// Text into a buffer of the caller: what does not fit is noticed.
struct buffer {
    char* text;
    std::size_t room;
    bool whole = true;
};
void put(void* to, const char* text, std::size_t length) noexcept {
    auto* const into = static_cast<buffer*>(to);
    for (; length != 0; --length, ++text) {
        if (*text == '\n') continue;  // the end of the line, which ends the value
        if (into->room <= 1) {
            into->whole = false;
            return;
        }
        *into->text++ = *text;
        --into->room;
    }
}

}  // namespace

extern "C" {

ASHLAR_EXPORT const char* ashlar_setting_explain(ashlar_setting_error error) {
    const bool known = error >= ashlar_setting_ok && error <= ashlar_setting_fixed;
    return known ? core::explain(static_cast<setting_error>(error)).data() : "no such error";
}

ASHLAR_EXPORT ashlar_setting_error ashlar_setting_get(const char* name, int64_t* value) {
    core::settings_first();
    if (read_figure(name, *value)) return ashlar_setting_ok;
    const core::option* const o = core::find_option(name);
    if (o == nullptr) return core::find_text_option(name) == nullptr ? ashlar_setting_unknown : ashlar_setting_wrong_type;
    if (!o->words.empty()) return ashlar_setting_wrong_type;
    *value = core::the_store.settings().*o->value;
    return ashlar_setting_ok;
}

ASHLAR_EXPORT ashlar_setting_error ashlar_setting_get_text(const char* name, char* text, size_t size) {
    core::settings_first();
    std::int64_t value = 0;
    const core::option* const o = core::find_option(name);
    if (o != nullptr) {
        value = core::the_store.settings().*o->value;
    } else if (core::find_text_option(name) == nullptr && !read_figure(name, value)) {
        return ashlar_setting_unknown;
    }
    if (size == 0) return ashlar_setting_out_of_range;
    buffer into{text, size};
    core::line out(core::sink{&put, &into});
    if (const core::text_option* const t = core::find_text_option(name)) {
        out.add((core::the_store.settings().*t->value).get());
    } else {
        o != nullptr && !o->words.empty() ? out.add(core::detail::word_at(o->words, value)) : out.add_signed(value);
    }
    out.print();
    *into.text = '\0';
    return into.whole ? ashlar_setting_ok : ashlar_setting_out_of_range;
}

ASHLAR_EXPORT ashlar_setting_error ashlar_setting_set(const char* name, int64_t value) {
    core::settings_first();
    const core::option* const o = core::find_option(name);
    if (o == nullptr) return ashlar_setting_unknown;
    return as_c(o->words.empty() ? change(*o, value) : setting_error::wrong_type);
}

ASHLAR_EXPORT ashlar_setting_error ashlar_setting_set_text(const char* name, const char* text) {
    core::settings_first();
    const core::option* const o = core::find_option(name);
    if (o == nullptr) return core::find_text_option(name) == nullptr ? ashlar_setting_unknown : ashlar_setting_fixed;
    std::int64_t value = 0;
    const setting_error wrong = core::read_value(*o, core::detail::trimmed(text), value);
    return as_c(wrong == setting_error::none ? change(*o, value) : wrong);
}

ASHLAR_EXPORT const char* ashlar_setting_name(size_t index, const char** meaning, int* changeable) {
    constexpr std::size_t numbers = std::size(core::option_table);
    if (index >= numbers + std::size(core::text_option_table)) return nullptr;
    if (index >= numbers) {
        const core::text_option& t = core::text_option_table[index - numbers];
        if (meaning != nullptr) *meaning = t.meaning.data();
        if (changeable != nullptr) *changeable = 0;
        return t.key.data();
    }
    const core::option& o = core::option_table[index];
    if (meaning != nullptr) *meaning = o.meaning.data();
    if (changeable != nullptr) *changeable = o.at_run_time ? 1 : 0;
    return o.key.data();
}

}  // extern "C"
