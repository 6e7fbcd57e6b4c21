// The .rep files of malloc labs: four numbers, then "a ID SIZE", "r ID SIZE" and "f ID". They tell no addresses.
#include <unordered_map>

#include "importer.hpp"

namespace ashlar::detail {
namespace {

class rep final : public importer {
public:
    bool take(std::string_view line, import_sink& to) override {
        if (line.empty()) return true;
        scanner s(line);
        if (headings_ < 4 && line.front() >= '0' && line.front() <= '9') {
            ++headings_;
            return s.number().has_value();
        }
        const std::string_view what = s.until(' ');
        const auto id = s.number();
        s.skip_blanks();
        if (what.size() != 1 || !id) return false;
        const auto size = what == "f" ? std::optional<std::uint64_t>(0) : s.number();
        if (!size || *size > most) return false;
        std::uint64_t& block = blocks_[*id];
        event e{.size = *size, .kind = event_kind::malloc};
        if (what == "f") {
            if (block == 0) return false;
            e = {.address = block, .kind = event_kind::free};
            blocks_.erase(*id);
            return to.emit(e, step_without_clock_ns);
        }
        if (what == "r") {
            e.kind = event_kind::realloc;
            e.old_address = block;
        } else if (what != "a") {
            return false;
        }
        e.address = block = next_;  // made up: none is used twice
        next_ += (*size + 31) / 16 * 16;
        return to.emit(e, step_without_clock_ns);
    }

private:
    static constexpr std::uint64_t most = std::uint64_t{1} << 40;
    std::unordered_map<std::uint64_t, std::uint64_t> blocks_;
    std::uint64_t next_ = 0x10'0000;
    int headings_ = 0;
};

}  // namespace

std::unique_ptr<importer> rep_importer() { return std::make_unique<rep>(); }

}  // namespace ashlar::detail
