// glibc's mtrace(3): "@ ./prog:(main+0x1e)[0x1191] + 0x5580 0x64", one line a call.
#include "importer.hpp"

namespace ashlar::detail {
namespace {

class mtrace final : public importer {
public:
    bool take(std::string_view line, import_sink& to) override {
        if (line.empty() || line.front() == '=') return true;  // "= Start", "= End"
        scanner s(line);
        if (s.skip("@ ")) {
            const std::string_view caller = s.until(' ');
            if (to.events() == 0 && !named_) {
                to.about.command_line = {std::string(caller.substr(0, caller.find(':')))};
                named_ = true;
            }
        }
        const std::string_view what = s.until(' ');
        const auto address = s.address();
        if (what.size() != 1 || !address) return false;
        s.skip_blanks();
        const bool with_size = what == "+" || what == ">" || what == "!";
        const auto size = with_size ? s.address() : std::optional<std::uint64_t>(0);
        if (!size) return false;
        event e{.address = *address, .size = *size, .kind = event_kind::malloc};
        switch (what.front()) {
            case '+': e.failed = *address == 0; break;
            case '-': e.kind = event_kind::free; break;
            case '<': moved_ = *address; return true;  // '>' follows
            case '>':
                if (moved_ == 0) return false;
                e.kind = event_kind::realloc;
                e.old_address = std::exchange(moved_, 0);
                break;
            case '!': e = {.size = *size, .old_address = *address, .kind = event_kind::realloc, .failed = true}; break;
            default: return false;
        }
        return to.emit(e, step_without_clock_ns);
    }

private:
    std::uint64_t moved_ = 0;
    bool named_ = false;
};

}  // namespace

std::unique_ptr<importer> mtrace_importer() { return std::make_unique<mtrace>(); }

}  // namespace ashlar::detail
