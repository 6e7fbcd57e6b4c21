// See export_formats.hpp: the formats that tell each event.
#include <fmt/core.h>

#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "export_formats.hpp"

namespace ashlar::app {
namespace {

/// Collects what is written into larger pieces.
class pieces {
public:
    explicit pieces(const text_sink& out) : out_(out) {}
    pieces(const pieces&) = delete;
    pieces& operator=(const pieces&) = delete;

    template <class... Values>
    void write(fmt::format_string<Values...> form, Values&&... values) {
        fmt::format_to(std::back_inserter(text_), form, std::forward<Values>(values)...);
        if (text_.size() > 60'000) flush();
    }

    /// To be called at the end.
    void flush() {
        if (!text_.empty()) out_(text_);
        text_.clear();
    }

private:
    const text_sink& out_;
    std::string text_;
};

/// heaptrack numbers stacks from 1, in the order in which they are told, a caller before whom it calls.
class heaptrack_stacks {
public:
    heaptrack_stacks(const trace_stacks& stacks, pieces& out) : stacks_(stacks), out_(out) {}

    std::uint64_t number_of(std::uint32_t stack) {
        if (numbers_.size() < stacks_.frames().size()) numbers_.resize(stacks_.frames().size());
        if (stack >= numbers_.size()) return 0;
        untold_.clear();
        for (; stack >= trace_stacks::first && numbers_[stack] == 0; stack = stacks_.frames()[stack].parent) untold_.push_back(stack);
        std::uint64_t caller = stack >= trace_stacks::first ? numbers_[stack] : 0;
        for (; !untold_.empty(); untold_.pop_back()) {
            const trace_place& place = stacks_.places()[stacks_.frames()[untold_.back()].place];
            out_.write("t {:x} {:x}\n", stacks_.modules()[place.module].bias + place.offset, caller);
            caller = numbers_[untold_.back()] = ++told_;
        }
        return caller;
    }

private:
    const trace_stacks& stacks_;
    pieces& out_;
    std::vector<std::uint64_t> numbers_;
    std::vector<std::uint32_t> untold_;
    std::uint64_t told_ = 0;
};

/// As CSV has it (RFC 4180).
std::string quoted(std::string_view text) {
    std::string all = "\"";
    for (const char c : text) all.append(c == '"' ? 2 : 1, c);
    return all + '"';
}

/// A word of a line: what would end it is replaced.
std::string one_word(std::string text) {
    for (char& c : text) c = static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    return text;
}

}  // namespace

void write_heaptrack(trace_reader& trace, const trace_stacks& stacks, const text_sink& to) {
    pieces out(to);
    const std::string program = one_word(trace.info().executable);
    out.write("v 10400 3\nx {:x} {}\nX", program.size(), program);
    for (const auto& word : trace.info().command_line) out.write(" {}", one_word(word));
    out.write("\nI {:x} 0\nm 1 -\n", trace.info().page_size);
    for (std::size_t m = 1; m < stacks.modules().size(); ++m) {
        const trace_module& each = stacks.modules()[m];
        if (each.bytes == 0) continue;
        const std::string path = each.path.empty() ? "x" : one_word(each.path);
        out.write("m {:x} {} {:x} {:x} {:x}\n", path.size(), path, each.bias, each.begin, each.bytes);
    }
    heaptrack_stacks numbers(stacks, out);
    std::uint64_t told_ms = 0;
    while (const event* e = trace.next()) {
        const std::uint64_t ms = e->time_ns / 1'000'000;
        if (ms >= told_ms + 10) out.write("c {:x}\n", told_ms = ms);
        if (e->released() != 0) out.write("- {:x}\n", e->released());
        if (e->granted() == 0) continue;
        const std::uint64_t stack = numbers.number_of(e->stack);
        out.write("+ {:x} {:x} {:x}\n", e->size, stack, e->granted());
    }
    out.write("c {:x}\n", trace.info().duration_ns / 1'000'000);
    out.flush();
}

void write_csv(trace_reader& trace, const text_sink& to) {
    pieces out(to);
    const bool named = trace.info().has_maps;
    out.write("time_ns,thread,call,address,size,alignment,old_address,refused,stack{}\n", named ? ",name" : "");
    while (const event* e = trace.next()) {
        const bool is_library = names_text(e->kind);
        out.write("{},{},\"{}\",0x{:x},{},{},0x{:x},{},{}", e->time_ns, e->thread, name(e->kind), e->address, is_library ? 0 : e->size,
                  e->alignment, e->old_address, e->failed ? 1 : 0, e->stack);
        if (named) out.write(",{}", is_library ? quoted(trace.text(e->size)) : "");
        out.write("\n");
    }
    out.flush();
}

}  // namespace ashlar::app
