// Valgrind's --trace-malloc=yes: "--123-- malloc(100) = 0x4A42040", between whatever the program itself prints.
#include <limits>

#include "importer.hpp"

namespace ashlar::detail {
namespace {

/// A line of Valgrind's, taken apart as far as "--123-- ". @returns the process; 0 if it is none
std::uint64_t process_of(scanner& s, std::string_view fence) noexcept {
    if (!s.skip(fence)) return 0;
    const auto process = s.number();
    return process && s.skip(fence) && s.skip(" ") ? *process : 0;
}

struct call {
    std::string_view name;
    event_kind kind;
};
constexpr call requests_known[] = {
    {"malloc", event_kind::malloc},
    {"memalign", event_kind::memalign},
    {"_Znwm", event_kind::new_object},
    {"_Znam", event_kind::new_array},
    {"_ZnwmRKSt9nothrow_t", event_kind::new_nothrow},
    {"_ZnamRKSt9nothrow_t", event_kind::new_array_nothrow},
    {"_ZnwmSt11align_val_t", event_kind::new_aligned},
    {"_ZnamSt11align_val_t", event_kind::new_array_aligned},
    {"_ZnwmSt11align_val_tRKSt9nothrow_t", event_kind::new_aligned_nothrow},
    {"_ZnamSt11align_val_tRKSt9nothrow_t", event_kind::new_array_aligned_nothrow},
};

class valgrind final : public importer {
public:
    bool take(std::string_view line, import_sink& to) override {
        if (scanner heading(line); to.events() == 0 && process_of(heading, "==") != 0 && heading.skip("Command: ")) {
            to.about.command_line.clear();
            while (!heading.empty()) to.about.command_line.emplace_back(heading.until(' '));
            return true;
        }
        scanner s(line);
        const std::uint64_t process = process_of(s, "--");
        if (process == 0) return line.substr(0, 2) == "==";  // what Valgrind says of other things
        if (process_ == 0) to.about.process = static_cast<std::uint32_t>(process_ = process);
        if (process != process_) return false;  // a child's
        if (s.rest().substr(0, 3) == " = " || s.rest().substr(0, 2) == "= ") return true;  // the end of realloc(p, 0)
        const std::string_view name = s.until('(');
        if (name == "free" || name == "cfree" || name.substr(0, 3) == "_Zd") return release(name, s, to);
        if (name == "calloc") return calloc(s, to);
        if (name == "realloc") return realloc(s, to);
        for (const call& known : requests_known) {
            if (name == known.name) return request(known.kind, s, to);
        }
        return name == "malloc_usable_size";
    }

private:
    static bool result(scanner& s, event& e) noexcept {
        if (!s.skip(") = ")) return false;
        const auto address = s.address();
        if (!address) return false;
        e.address = *address;
        e.failed = *address == 0;
        return true;
    }
    static bool request(event_kind kind, scanner& s, import_sink& to) {
        event e{.kind = kind};
        for (;;) {
            s.skip_blanks();
            const bool alignment = s.skip("al ");
            s.skip("size ");
            const auto value = s.number();
            if (!value) return false;
            (alignment ? e.alignment : e.size) = *value;
            if (!s.skip(",")) break;
        }
        return result(s, e) && to.emit(e, step_without_clock_ns);
    }
    static bool calloc(scanner& s, import_sink& to) {
        const auto count = s.number();
        if (!count || !s.skip(",")) return false;
        const auto size = s.number();
        event e{.kind = event_kind::calloc};
        if (!size) return false;
        if (__builtin_mul_overflow(*count, *size, &e.size)) e.size = std::numeric_limits<std::uint64_t>::max();
        return result(s, e) && to.emit(e, step_without_clock_ns);
    }
    static bool realloc(scanner& s, import_sink& to) {
        const auto old = s.address();
        if (!old || !s.skip(",")) return false;
        const auto size = s.number();
        if (!size) return false;
        event e{.size = *size, .old_address = *old, .kind = event_kind::realloc};
        if (*old == 0 && s.skip(")malloc(")) {  // "realloc(0x0,56)malloc(56) = ..."
            if (!s.number()) return false;
        }
        if (*size == 0 && s.skip(")free(")) return to.emit(e, step_without_clock_ns);  // it only released
        return result(s, e) && to.emit(e, step_without_clock_ns);
    }
    static bool release(std::string_view name, scanner& s, import_sink& to) {
        const auto address = s.address();
        if (!address || !s.skip(")")) return false;
        if (*address == 0) return true;
        const bool array = name.substr(0, 4) == "_Zda";
        event e{.address = *address, .kind = event_kind::free};
        // The sizes and alignments of sized and aligned deletes are not told.
        if (name.front() == '_') e.kind = array ? event_kind::delete_array : event_kind::delete_object;
        return to.emit(e, step_without_clock_ns);
    }

    std::uint64_t process_ = 0;
};

}  // namespace

bool is_valgrind_line(std::string_view line) noexcept {
    scanner s(line);
    if (process_of(s, "--") == 0) return false;
    const auto name = s.until('(');
    return name == "malloc" || name == "calloc" || name == "free" || name == "realloc" || name.substr(0, 2) == "_Z";
}

std::unique_ptr<importer> valgrind_importer() { return std::make_unique<valgrind>(); }

}  // namespace ashlar::detail
