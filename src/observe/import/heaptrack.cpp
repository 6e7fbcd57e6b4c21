// heaptrack's raw data (heaptrack --raw), one letter and hexadecimal numbers a line:
//   X command    m LENGTH path bias (begin bytes)...    t place caller    + size stack block    - block    c milliseconds
#include <algorithm>
#include <map>
#include <vector>

#include "importer.hpp"

namespace ashlar::detail {
namespace {

class heaptrack final : public importer {
public:
    bool take(std::string_view line, import_sink& to) override {
        if (line.size() < 2 || line[1] != ' ') return line.empty();
        scanner s(line.substr(2));
        switch (line.front()) {
            case '+': return request(s, to);
            case '-': return release(s, to);
            case 't': return stack(s, to);
            case 'm': return module(s, to);
            case 'c': {
                const auto ms = s.number(16);
                if (!ms || *ms > most_ms) return false;
                to.reach(*ms * 1'000'000);
                return true;
            }
            case 'X':
                if (to.events() != 0) return true;
                to.about.command_line.clear();
                while (!s.empty()) to.about.command_line.emplace_back(s.until(' '));
                return true;
            case 'x': {
                const auto length = s.number(16);
                if (!length || !s.skip(" ")) return false;
                if (to.events() == 0) to.about.executable = s.rest().substr(0, *length);
                return true;
            }
            case 'v':
                to.about.stack_depth = 64;
                return true;
            case 'I': case 'R': case 'A': case 'S': case 'a': case '#': return true;
            default: return false;
        }
    }

private:
    static constexpr std::uint64_t most_ms = std::uint64_t{1} << 40;

    bool request(scanner& s, import_sink& to) {
        const auto size = s.number(16);
        s.skip_blanks();
        const auto trace = s.number(16);
        s.skip_blanks();
        const auto block = s.number(16);
        if (!size || !trace || !block || *block == 0) return false;
        event e{.address = *block, .size = *size, .kind = event_kind::malloc};
        if (*trace < stacks_.size()) e.stack = stacks_[*trace];
        return to.emit(e, 1);
    }
    static bool release(scanner& s, import_sink& to) {
        const auto block = s.number(16);
        return block && *block != 0 && to.emit({.address = *block, .kind = event_kind::free}, 1);
    }
    /// Stacks are numbered from 1 in the order of their lines, a caller before whom it calls.
    bool stack(scanner& s, import_sink& to) {
        const auto ip = s.number(16);
        s.skip_blanks();
        const auto caller = s.number(16);
        std::uint32_t number = trace_stacks::unknown;
        const bool sound = ip && caller && *caller < stacks_.size();
        if (trace_writer* const w = sound ? to.writer() : nullptr) number = w->define_stack(0, stacks_[*caller], place_of(*ip));
        stacks_.push_back(number);
        return sound;
    }
    trace_place place_of(std::uint64_t ip) const {
        const auto after = modules_.upper_bound(ip);
        if (after == modules_.begin()) return {0, ip};
        const loaded& m = std::prev(after)->second;
        return ip < m.end ? trace_place{m.number, ip - m.bias} : trace_place{0, ip};
    }
    bool module(scanner& s, import_sink& to) {
        const auto length = s.number(16);
        if (!length || !s.skip(" ")) return false;
        if (s.rest().substr(0, 1) == "-") {  // all of them follow anew
            modules_.clear();
            return true;
        }
        const std::string path(s.rest().substr(0, *length));
        if (!s.skip(path) || !s.skip(" ")) return false;
        const auto bias = s.number(16);
        std::uint64_t begin = ~std::uint64_t{0}, end = 0;
        for (s.skip_blanks(); bias && !s.empty(); s.skip_blanks()) {
            const auto at = s.number(16);
            s.skip_blanks();
            const auto bytes = s.number(16);
            if (!at || !bytes) return false;
            begin = std::min(begin, *at);
            end = std::max(end, *at + *bytes);
        }
        if (!bias || begin >= end) return false;
        const auto known = numbers_.emplace(std::pair(path, *bias), static_cast<std::uint32_t>(numbers_.size() + 1));
        if (known.second) {
            trace_writer* const w = to.writer();
            if (w == nullptr || !w->define_module(known.first->second, {path == "x" ? "" : path, {}, *bias, begin, end - begin})) return false;
        }
        modules_[*bias + begin] = {known.first->second, *bias, *bias + end};
        return true;
    }

    struct loaded {
        std::uint32_t number;
        std::uint64_t bias;
        std::uint64_t end;
    };
    std::map<std::uint64_t, loaded> modules_;  // by the address where each begins
    std::map<std::pair<std::string, std::uint64_t>, std::uint32_t> numbers_;
    std::vector<std::uint32_t> stacks_{trace_stacks::unknown};
};

}  // namespace

std::unique_ptr<importer> heaptrack_importer() { return std::make_unique<heaptrack>(); }

}  // namespace ashlar::detail
