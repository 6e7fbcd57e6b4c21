// What is in a heap: counts of a type, and all of it as JSON. Takes no memory.
#include "collector.hpp"
#include "writer.hpp"

namespace ashlar::gc::detail {

namespace {

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
        out.text(first ? "\n{\"id\":" : ",\n{\"id\":");
        first = false;
        out.name(object);
        out.text(",\"type\":");
        out.quoted(type_name(type));
        out.text(",\"bytes\":");
        out.number(bytes);
        out.text(",\"to\":[");
        reference_writer references(out);
        if (type.each_slot != nullptr) type.each_slot(object, references);
        out.text("]}");
    });
    out.text("],\n\"roots\":[");
    reference_writer roots(out);
    each_root([&](void* object) {
        reference r{object};
        roots.slot(r);
    });
    out.text("],\n\"tiles\":[");
    first = true;
    each_tile([&](const void* tile, std::span<const std::size_t> used) {
        write_tile(out, first, tile, used);
        first = false;
    });
    out.text("]}\n");
}

}  // namespace ashlar::gc::detail
