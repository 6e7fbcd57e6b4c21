// See export_formats.hpp.
#include <fmt/core.h>

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "ashlar/observe/address_map.hpp"
#include "ashlar/observe/sample_weight.hpp"
#include "export_formats.hpp"
#include "text.hpp"
#include "traces.hpp"

namespace ashlar::app {
namespace {

using nlohmann::json;

struct birth {
    std::uint64_t size = 0;
    std::uint64_t time_ns = 0;
    std::uint32_t stack = 0;
};

/// What DHAT tells of a program point, which is a stack here, beside its costs.
struct point {
    tally now, most;
    std::uint64_t lifetimes_us = 0;
};

class points {
public:
    explicit points(std::uint64_t sample_mean) : mean_(sample_mean) {}
    void add(const event& e) {
        last_ns_ = e.time_ns;
        if (const auto born = live_.take(e.released())) die(*born, e.released());
        if (e.granted() == 0) return;
        if (const auto lost = live_.take(e.granted())) die(*lost, e.granted());
        live_.insert(e.granted(), {e.size, e.time_ns, e.stack});
        if (e.stack >= all_.size()) all_.resize(e.stack + std::size_t{1} + e.stack / 2);
        point& p = all_[e.stack];
        const std::uint64_t n = sample_weight(mean_, e.size, e.granted(), e.time_ns);
        p.now.add(e.size, n);
        if (p.now.bytes > p.most.bytes) p.most = p.now;
        costs_.grant(e.stack, e.size, n);
        bytes_ += n * e.size;
        if (bytes_ > most_) {
            most_ = bytes_;
            peak_ns_ = e.time_ns;
            costs_.peak();
        }
    }
    /// What was never freed has lived to the end.
    void finish() {
        live_.for_each([&](std::uint64_t address, const birth& b) {
            all_[b.stack].lifetimes_us += sample_weight(mean_, b.size, address, b.time_ns) * ((last_ns_ - b.time_ns) / 1000);
        });
    }
    std::vector<stack_costs::row> rows() const { return costs_.rows(); }
    const point& of(std::uint32_t stack) const { return all_[stack]; }
    std::uint64_t end_us() const { return last_ns_ / 1000; }
    std::uint64_t peak_us() const { return peak_ns_ / 1000; }

private:
    void die(const birth& b, std::uint64_t address) {
        const std::uint64_t n = sample_weight(mean_, b.size, address, b.time_ns);
        point& p = all_[b.stack];
        p.now.remove(b.size, n);
        p.lifetimes_us += n * ((last_ns_ - b.time_ns) / 1000);
        costs_.release(b.stack, b.size, false, n);
        bytes_ -= n * b.size;
    }
    std::uint64_t mean_;
    stack_costs costs_;
    std::vector<point> all_;
    address_map<birth> live_;
    std::uint64_t bytes_ = 0, most_ = 0, peak_ns_ = 0, last_ns_ = 0;
};

/// The table of frames: each line once.
class frame_texts {
public:
    std::size_t operator()(const std::string& text) {
        const auto [found, is_new] = numbers_.try_emplace(text, all_.size());
        if (is_new) all_.push_back(text);
        return found->second;
    }
    const std::vector<std::string>& all() const { return all_; }

private:
    std::map<std::string, std::size_t> numbers_;
    std::vector<std::string> all_;
};

std::string line_text(std::uint64_t address, const code_line& l) {
    std::string text = fmt::format("0x{:X}: {}", address, valid_utf8(l.function));
    if (!l.file.empty()) text += fmt::format(" ({}:{})", valid_utf8(l.file.substr(l.file.rfind('/') + 1)), l.line);
    return text;
}

}  // namespace

std::string dhat_json(trace_reader& trace, const trace_stacks& stacks, const symbols::options& how) {
    points counted(trace.info().sample_mean);
    while (const event* e = trace.next()) counted.add(*e);
    counted.finish();
    const auto rows = counted.rows();
    std::vector<bool> wanted(stacks.places().size());
    std::vector<std::uint32_t> places;
    for (const auto& row : rows) {
        stacks.unfold(row.stack, places);
        for (const std::uint32_t p : places) wanted[p] = true;
    }
    const symbols known(stacks, trace.info(), wanted, how);
    for (const auto& note : known.notes()) fmt::print(stderr, "ashlar: {}\n", note);

    frame_texts frames;
    frames("[root]");
    json all = json::array();
    for (const auto& row : rows) {
        json path = json::array();
        const bool whole = stacks.unfold(row.stack, places);
        for (const std::uint32_t place : places) {
            const trace_place& at = stacks.places()[place];
            for (const code_line& l : known.of(place)) path.push_back(frames(line_text(stacks.modules()[at.module].bias + at.offset, l)));
        }
        if (places.empty()) path.push_back(frames("0x0: [stack not known]"));
        else if (!whole) path.push_back(frames("0x0: [callers not recorded]"));
        const cost& c = row.what;
        const point& p = counted.of(row.stack);
        all.push_back({{"tb", c.allocated.bytes}, {"tbk", c.allocated.blocks}, {"tl", p.lifetimes_us}, {"mb", p.most.bytes},
                       {"mbk", p.most.blocks}, {"gb", c.at_peak.bytes}, {"gbk", c.at_peak.blocks}, {"eb", c.live.bytes},
                       {"ebk", c.live.blocks}, {"fs", std::move(path)}});
    }
    const json out = {{"dhatFileVersion", 2}, {"mode", "heap"}, {"verb", "Allocated"}, {"bklt", true}, {"bkacc", false},
                      {"tu", "\xc2\xb5s"}, {"Mtu", "s"}, {"tuth", 10}, {"cmd", valid_utf8(title_of(trace.info()))},
                      {"pid", trace.info().process}, {"tg", counted.peak_us()}, {"te", counted.end_us()}, {"pps", std::move(all)},
                      {"ftbl", frames.all()}};
    return out.dump() + "\n";
}

}  // namespace ashlar::app
