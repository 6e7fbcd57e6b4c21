// What is in a heap: counts of a type, and all of it as JSON. Takes no memory.
#include <cstdio>
#include <cstring>

#include "collector.hpp"

namespace ashlar::gc::detail {

namespace {

/// Text on its way to the program, a buffer at a time.
class writer {
public:
    writer(heap::write_function write, void* to) noexcept : write_(write), to_(to) {}
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;
    ~writer() { flush(); }

    void text(const char* s, std::size_t n) {
        if (n > sizeof buffer_ - used_) flush();
        if (n > sizeof buffer_) return write_(to_, s, n);
        std::memcpy(buffer_ + used_, s, n);
        used_ += n;
    }
    void text(const char* s) { text(s, std::strlen(s)); }
    void number(std::size_t n) {
        char digits[24];
        text(digits, static_cast<std::size_t>(std::snprintf(digits, sizeof digits, "%zu", n)));
    }
    /// Objects are known by their granule's number: below 2^53, as JSON needs it.
    void name(const void* object) { number(reinterpret_cast<std::uintptr_t>(object) / granule); }
    /// Of "... [with T = node; ...]" the middle.
    void type(const descriptor& d) {
        const char* const begin = std::strstr(d.text, "T = ");
        const char* const from = begin == nullptr ? d.text : begin + 4;
        std::size_t n = 0;
        for (int open = 0; from[n] != 0; ++n) {
            if (from[n] == '[' || from[n] == '<') ++open;
            if ((from[n] == ']' || from[n] == '>') && open-- == 0) break;
            if (from[n] == ';' && open == 0) break;
        }
        text("\"");
        for (std::size_t i = 0; i != n; ++i) {
            if (from[i] == '"' || from[i] == '\\') text("\\");
            text(from + i, 1);
        }
        text("\"");
    }
    void flush() {
        if (used_ != 0) write_(to_, buffer_, used_);
        used_ = 0;
    }

private:
    heap::write_function write_;
    void* to_;
    std::size_t used_ = 0;
    char buffer_[4096];
};

struct reference_writer final : slot_visitor {
    explicit reference_writer(writer& o) noexcept : out(o) {}
    void slot(reference& r) noexcept override {
        if (r.target == nullptr) return;
        if (!first) out.text(",");
        first = false;
        out.name(r.target);
    }
    writer& out;
    bool first = true;
};

}  // namespace

template <class F>
void collector::each_object(F visit) {
    if (phase_ != phase::idle) finish_cycle();
    retire_holes();
    for (std::size_t i = 0; i != tile_count_; ++i) {
        for_each_object(tiles_[i], tiles_[i]->occupied, [&](void* object, std::size_t) {
            const header h = header_of(object);
            if (h.type() != &filler && !h.waiting()) visit(object, *h.type(), h.granules() * granule);
        });
    }
    for (tile* t = large_; t != nullptr; t = t->next) {
        std::byte* const object = object_at(t, t->large_offset / granule);
        if (header_of(object).type() != &filler && !header_of(object).waiting()) visit(object, *header_of(object).type(), t->bytes);
    }
}

population collector::count(const descriptor& d) {
    population p{};
    each_object([&](void*, const descriptor& type, std::size_t bytes) {
        if (&type != &d) return;
        ++p.objects;
        p.bytes += bytes;
    });
    return p;
}

void collector::write_snapshot(heap::write_function write, void* to) {
    writer out(write, to);
    out.text("{\"objects\":[");
    bool first = true;
    each_object([&](void* object, const descriptor& type, std::size_t bytes) {
        out.text(first ? "\\n{\"id\":" : ",\\n{\"id\":");
        first = false;
        out.name(object);
        out.text(",\"type\":");
        out.type(type);
        out.text(",\"bytes\":");
        out.number(bytes);
        out.text(",\"to\":[");
        reference_writer references(out);
        if (type.each_slot != nullptr) type.each_slot(object, references);
        out.text("]}");
    });
    out.text("],\\n\"roots\":[");
    reference_writer roots(out);
    each_root([&](void* object) {
        reference r{object};
        roots.slot(r);
    });
    out.text("]}\\n");
}

}  // namespace ashlar::gc::detail
