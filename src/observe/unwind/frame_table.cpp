// src/observe/unwind/frame_table.cpp - see frame_table.hpp.
// Long: one format, read from its search table down to the terms of its expressions; none of the parts has another user.
#include "frame_table.hpp"

#include <cstring>

namespace ashlar::unwind {
namespace {

// Numbers of DWARF for the registers that matter on x86-64.
constexpr unsigned rbp = 6, rsp = 7, rip = 16;

/// Bytes of a table, read with a bound. After the first read past the end everything is zero and ok is false.
struct table_bytes {
    const std::uint8_t* at = nullptr;
    const std::uint8_t* end = nullptr;
    bool ok = true;

    bool done() const noexcept { return at == end || !ok; }
    template <class T>
    T get() noexcept {
        T v{};
        if (static_cast<std::size_t>(end - at) < sizeof v) {
            ok = false;
            return v;
        }
        std::memcpy(&v, at, sizeof v);
        at += sizeof v;
        return v;
    }
    std::uint64_t unsigned_number() noexcept {
        std::uint64_t v = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const auto b = get<std::uint8_t>();
            v |= std::uint64_t{b & 0x7FU} << shift;
            if (b < 0x80) break;
        }
        return v;
    }
    std::int64_t signed_number() noexcept {
        std::uint64_t v = 0;
        unsigned shift = 0;
        std::uint8_t b = 0x80;
        for (; shift < 64 && b >= 0x80; shift += 7) {
            b = get<std::uint8_t>();
            v |= std::uint64_t{b & 0x7FU} << shift;
        }
        if (shift < 64 && (b & 0x40)) v |= ~std::uint64_t{0} << shift;
        return static_cast<std::int64_t>(v);
    }
    void skip(std::uint64_t n) noexcept {
        if (n > static_cast<std::size_t>(end - at)) {
            ok = false;
        } else {
            at += n;
        }
    }
    table_bytes take(std::uint64_t n) noexcept {
        const std::uint8_t* from = at;
        skip(n);
        return ok ? table_bytes{from, from + n} : table_bytes{nullptr, nullptr, false};
    }
    /// A number in one of the encodings of the LSB, 10.5. @pre the encoding is not indirect
    std::uintptr_t encoded(std::uint8_t how, std::uintptr_t data_base) noexcept {
        const auto here = reinterpret_cast<std::uintptr_t>(at);
        std::uint64_t v = 0;
        switch (how & 0x0F) {
            case 0x00: case 0x04: case 0x0C: v = get<std::uint64_t>(); break;
            case 0x01: v = unsigned_number(); break;
            case 0x02: v = get<std::uint16_t>(); break;
            case 0x03: v = get<std::uint32_t>(); break;
            case 0x09: v = static_cast<std::uint64_t>(signed_number()); break;
            case 0x0A: v = static_cast<std::uint64_t>(std::int64_t{get<std::int16_t>()}); break;
            case 0x0B: v = static_cast<std::uint64_t>(std::int64_t{get<std::int32_t>()}); break;
            default: ok = false;
        }
        switch (how & 0x70) {
            case 0x00: return v;
            case 0x10: return here + v;
            case 0x30: return data_base + v;
            default: ok = false; return 0;
        }
    }
};

table_bytes bytes_at(const code_module& in, std::uintptr_t address) noexcept {
    const auto* at = reinterpret_cast<const std::uint8_t*>(address);
    const std::size_t room = in.readable(at);
    return {at, at + room, room != 0};
}

/// Where a register of the caller, or its stack pointer, is to be found.
struct place {
    enum class form : std::uint8_t { same, undefined, at_cfa, sum, read, unknown } how = form::same;
    unsigned base = 0;        ///< sum, read: a register
    std::int64_t offset = 0;  ///< at_cfa: the value stands at cfa + offset; sum: base + offset; read: what stands there
};

/// What an expression may compute with.
struct term {
    enum class form : std::uint8_t { number, sum, read } how = form::number;
    unsigned base = 0;
    std::int64_t value = 0;
};

/// Runs an expression. @returns false if it does what is not understood here
class expression {
public:
    expression(table_bytes code, std::uintptr_t pc) noexcept : code_(code), pc_(pc) {}

    bool run(term& result) noexcept {
        while (!code_.done()) {
            if (!step(code_.get<std::uint8_t>())) return false;
        }
        if (!code_.ok || depth_ == 0) return false;
        result = stack_[depth_ - 1];
        return true;
    }

private:
    bool push(term t) noexcept {
        if (depth_ == 8) return false;
        stack_[depth_++] = t;
        return true;
    }
    bool push_register(unsigned number, std::int64_t offset) noexcept {
        if (number == rip) return push({term::form::number, 0, static_cast<std::int64_t>(pc_) + offset});
        return push({term::form::sum, number, offset});
    }
    bool step(std::uint8_t op) noexcept {
        if (op >= 0x30 && op <= 0x4F) return push({term::form::number, 0, op - 0x30});    // literals
        if (op >= 0x70 && op <= 0x8F) return push_register(op - 0x70U, code_.signed_number());  // register + offset
        switch (op) {
            case 0x08: return push({term::form::number, 0, code_.get<std::uint8_t>()});
            case 0x09: return push({term::form::number, 0, code_.get<std::int8_t>()});
            case 0x0A: return push({term::form::number, 0, code_.get<std::uint16_t>()});
            case 0x0B: return push({term::form::number, 0, code_.get<std::int16_t>()});
            case 0x0C: return push({term::form::number, 0, code_.get<std::uint32_t>()});
            case 0x0D: return push({term::form::number, 0, code_.get<std::int32_t>()});
            case 0x10: return push({term::form::number, 0, static_cast<std::int64_t>(code_.unsigned_number())});
            case 0x11: return push({term::form::number, 0, code_.signed_number()});
            case 0x06: return dereference();
            case 0x23: {
                const auto by = static_cast<std::int64_t>(code_.unsigned_number());
                if (depth_ == 0 || stack_[depth_ - 1].how == term::form::read) return false;
                stack_[depth_ - 1].value = sum(stack_[depth_ - 1].value, by);
                return true;
            }
            default: return binary(op);
        }
    }
    static std::int64_t sum(std::int64_t a, std::int64_t b) noexcept {
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
    }
    bool dereference() noexcept {
        if (depth_ == 0 || stack_[depth_ - 1].how != term::form::sum) return false;
        stack_[depth_ - 1].how = term::form::read;
        return true;
    }
    bool binary(std::uint8_t op) noexcept {
        if (depth_ < 2) return false;
        const term b = stack_[--depth_];
        term& a = stack_[depth_ - 1];
        if (b.how != term::form::number || a.how == term::form::read) return false;
        if (op == 0x22) {  // plus: the only one that a register may be part of
            a.value = sum(a.value, b.value);
            return true;
        }
        if (a.how != term::form::number) return false;
        switch (op) {
            case 0x1A: a.value &= b.value; return true;
            case 0x1C: a.value = sum(a.value, -b.value); return true;
            case 0x21: a.value |= b.value; return true;
            case 0x24: a.value = b.value < 0 || b.value > 62 ? 0 : static_cast<std::int64_t>(static_cast<std::uint64_t>(a.value) << b.value); return true;
            case 0x29: a.value = a.value == b.value; return true;
            case 0x2A: a.value = a.value >= b.value; return true;
            case 0x2B: a.value = a.value > b.value; return true;
            case 0x2C: a.value = a.value <= b.value; return true;
            case 0x2D: a.value = a.value < b.value; return true;
            case 0x2E: a.value = a.value != b.value; return true;
            default: return false;
        }
    }

    table_bytes code_;
    std::uintptr_t pc_;
    term stack_[8];
    unsigned depth_ = 0;
};

struct common_entry {
    std::uint64_t code_step = 1;
    std::int64_t data_step = 1;
    std::uint8_t pointers = 0;
    bool signal = false;
    bool has_augmentation = false;
    table_bytes program;
};

struct row {
    place cfa{place::form::unknown, 0, 0};
    place fp;
    place ra{place::form::at_cfa, 0, -8};
};

/// Runs a program of the table up to pc.
class row_machine {
public:
    row_machine(const common_entry& common, std::uintptr_t pc) noexcept : common_(common), pc_(pc) {}

    bool run(table_bytes program, std::uintptr_t from) noexcept {
        location_ = from;
        while (!program.done() && location_ <= pc_) {
            if (!step(program)) return false;
        }
        return program.ok;
    }
    void keep_initial() noexcept { initial_ = now_; }
    const row& now() const noexcept { return now_; }

private:
    place* of(std::uint64_t number) noexcept {
        return number == rbp ? &now_.fp : number == rip ? &now_.ra : nullptr;
    }
    void set(std::uint64_t number, place p) noexcept {
        if (place* to = of(number)) *to = p;
    }
    void advance(std::uint64_t by) noexcept { location_ += by * common_.code_step; }
    std::int64_t scaled(std::uint64_t n) noexcept {
        return static_cast<std::int64_t>(n * static_cast<std::uint64_t>(common_.data_step));
    }
    void at_cfa(std::uint64_t number, std::int64_t offset) noexcept { set(number, {place::form::at_cfa, 0, offset}); }
    place computed(table_bytes& p, bool is_value) noexcept {
        term t;
        table_bytes code = p.take(p.unsigned_number());
        if (!expression(code, pc_).run(t)) return {place::form::unknown, 0, 0};
        if (t.how == term::form::sum) return {is_value ? place::form::sum : place::form::read, t.base, t.value};
        if (t.how == term::form::read && is_value) return {place::form::read, t.base, t.value};
        return {place::form::unknown, 0, 0};
    }
    void restore(std::uint64_t number) noexcept {
        if (number == rbp) now_.fp = initial_.fp;
        if (number == rip) now_.ra = initial_.ra;
    }
    bool step(table_bytes& p) noexcept {
        const auto op = p.get<std::uint8_t>();
        const unsigned low = op & 0x3F;
        switch (op & 0xC0) {
            case 0x40: advance(low); return true;
            case 0x80: at_cfa(low, scaled(p.unsigned_number())); return true;
            case 0xC0: restore(low); return true;
            default: return op < 0x0C ? plain(op, p) : cfa(op, p);
        }
    }
    bool plain(std::uint8_t op, table_bytes& p) noexcept {
        std::uint64_t number = 0;
        switch (op) {
            case 0x00: return true;
            case 0x01: location_ = p.encoded(common_.pointers, 0); return p.ok;
            case 0x02: advance(p.get<std::uint8_t>()); return true;
            case 0x03: advance(p.get<std::uint16_t>()); return true;
            case 0x04: advance(p.get<std::uint32_t>()); return true;
            case 0x05: number = p.unsigned_number(); at_cfa(number, scaled(p.unsigned_number())); return true;
            case 0x06: restore(p.unsigned_number()); return true;
            case 0x07: set(p.unsigned_number(), {place::form::undefined, 0, 0}); return true;
            case 0x08: set(p.unsigned_number(), {place::form::same, 0, 0}); return true;
            case 0x09: number = p.unsigned_number(); p.unsigned_number(); set(number, {place::form::unknown, 0, 0}); return true;
            case 0x0A:
                if (depth_ == 8) return false;
                kept_[depth_++] = now_;
                return true;
            default:
                if (depth_ == 0) return false;
                now_ = kept_[--depth_];
                return true;
        }
    }
    bool cfa(std::uint8_t op, table_bytes& p) noexcept {
        std::uint64_t number = 0;
        switch (op) {
            case 0x0C: number = p.unsigned_number(); now_.cfa = {place::form::sum, static_cast<unsigned>(number), static_cast<std::int64_t>(p.unsigned_number())}; return true;
            case 0x0D: now_.cfa.base = static_cast<unsigned>(p.unsigned_number()); return true;
            case 0x0E: now_.cfa.offset = static_cast<std::int64_t>(p.unsigned_number()); return true;
            case 0x0F: now_.cfa = computed(p, true); return true;
            case 0x10: number = p.unsigned_number(); set(number, computed(p, false)); return true;
            case 0x11: number = p.unsigned_number(); at_cfa(number, scaled(static_cast<std::uint64_t>(p.signed_number()))); return true;
            case 0x12: number = p.unsigned_number(); now_.cfa = {place::form::sum, static_cast<unsigned>(number), scaled(static_cast<std::uint64_t>(p.signed_number()))}; return true;
            case 0x13: now_.cfa.offset = scaled(static_cast<std::uint64_t>(p.signed_number())); return true;
            case 0x14: case 0x15: number = p.unsigned_number(); p.unsigned_number(); set(number, {place::form::unknown, 0, 0}); return true;
            case 0x16: number = p.unsigned_number(); p.take(p.unsigned_number()); set(number, {place::form::unknown, 0, 0}); return true;
            case 0x2E: p.unsigned_number(); return true;  // bytes of arguments: nothing to us
            default: return false;
        }
    }

    const common_entry& common_;
    std::uintptr_t pc_;
    std::uintptr_t location_ = 0;
    row now_, initial_, kept_[8];
    unsigned depth_ = 0;
};

/// Reads the length that begins an entry. @returns the entry's bytes after it
table_bytes entry_at(const code_module& in, std::uintptr_t address) noexcept {
    table_bytes all = bytes_at(in, address);
    std::uint64_t length = all.get<std::uint32_t>();
    if (length == 0xFFFF'FFFF) length = all.get<std::uint64_t>();
    if (length == 0) all.ok = false;
    return all.take(length);
}

bool read_common(const code_module& in, std::uintptr_t address, common_entry& c) noexcept {
    table_bytes b = entry_at(in, address);
    if (b.get<std::uint32_t>() != 0) return false;
    const auto version = b.get<std::uint8_t>();
    if (version != 1 && version != 3) return false;
    const auto* text = reinterpret_cast<const char*>(b.at);
    while (b.ok && b.get<char>() != 0) {}
    c.code_step = b.unsigned_number();
    c.data_step = b.signed_number();
    const std::uint64_t return_register = version == 1 ? b.get<std::uint8_t>() : b.unsigned_number();
    if (!b.ok || return_register != rip) return false;
    if (*text == 'z') {
        c.has_augmentation = true;
        table_bytes data = b.take(b.unsigned_number());
        for (++text; *text != 0; ++text) {
            if (*text == 'R') c.pointers = data.get<std::uint8_t>();
            else if (*text == 'L') data.get<std::uint8_t>();
            else if (*text == 'P') { const auto how = data.get<std::uint8_t>(); data.encoded(how & 0x7F, 0); }
            else if (*text == 'S') c.signal = true;
            else break;  // the rest is not known; the length has stepped over it
        }
    } else if (*text != 0) {
        return false;
    }
    c.program = b;
    return b.ok && (c.pointers & 0x80) == 0;
}

/// @returns the address of the entry whose function may hold pc, or 0
std::uintptr_t search_table(std::uintptr_t pc, const code_module& in) noexcept {
    if (in.frame_header == nullptr) return 0;
    const auto base = reinterpret_cast<std::uintptr_t>(in.frame_header);
    table_bytes b = bytes_at(in, base);
    if (b.get<std::uint8_t>() != 1) return 0;
    const auto frames = b.get<std::uint8_t>(), count_how = b.get<std::uint8_t>(), table_how = b.get<std::uint8_t>();
    if (table_how != 0x3B || count_how == 0xFF) return 0;  // the only form that linkers write
    b.encoded(frames, base);
    const std::uintptr_t count = b.encoded(count_how, base);
    if (!b.ok || count == 0 || count > static_cast<std::size_t>(b.end - b.at) / 8) return 0;
    const auto wanted = static_cast<std::int64_t>(pc - base);
    const auto read = [&](std::size_t i, std::size_t part) {
        std::int32_t v;
        std::memcpy(&v, b.at + i * 8 + part * 4, sizeof v);
        return v;
    };
    std::size_t low = 0, high = count;  // the last one that begins at or before pc
    while (high - low > 1) {
        const std::size_t middle = low + (high - low) / 2;
        (read(middle, 0) <= wanted ? low : high) = middle;
    }
    return read(low, 0) <= wanted ? base + static_cast<std::uintptr_t>(std::intptr_t{read(low, 1)}) : 0;
}

bool fits(std::int64_t offset) noexcept { return offset >= -rule::most_offset && offset <= rule::most_offset; }

rule to_rule(const row& r, bool signal) noexcept {
    if (signal) return {rule_kind::signal, 0, 0};
    if (r.ra.how == place::form::undefined) return {rule_kind::bottom, 0, 0};
    const rule none{rule_kind::no_table, 0, 0};
    if (r.ra.how != place::form::at_cfa || r.ra.offset != -8 || !fits(r.cfa.offset)) return none;
    const auto offset = static_cast<std::int32_t>(r.cfa.offset);
    if (r.cfa.how == place::form::read) {
        const bool usual = r.cfa.base == rbp && r.fp.how == place::form::read && r.fp.base == rbp && r.fp.offset % 8 == 0 &&
                           r.fp.offset / 8 >= -128 && r.fp.offset / 8 <= 127;
        return usual ? rule{rule_kind::through_fp, static_cast<std::int8_t>(r.fp.offset / 8), offset} : none;
    }
    if (r.cfa.how != place::form::sum || (r.cfa.base != rsp && r.cfa.base != rbp)) return none;
    std::int64_t fp_at = 0;
    if (r.fp.how == place::form::at_cfa && r.fp.offset % 8 == 0 && r.fp.offset != 0) {
        fp_at = r.fp.offset / 8;
    } else if (r.fp.how == place::form::read && r.fp.base == r.cfa.base && (r.fp.offset - r.cfa.offset) % 8 == 0 && r.fp.offset != r.cfa.offset) {
        fp_at = (r.fp.offset - r.cfa.offset) / 8;
    } else if (r.fp.how != place::form::same && r.fp.how != place::form::undefined) {
        return none;
    }
    if (fp_at < -128 || fp_at > 127) return none;
    return {r.cfa.base == rsp ? rule_kind::from_sp : rule_kind::from_fp, static_cast<std::int8_t>(fp_at), offset};
}

/// Code that returns from a signal handler, in a C library that describes it by no table: mov $15, %rax; syscall.
bool returns_from_signal(std::uintptr_t pc, const code_module& in) noexcept {
    static constexpr std::uint8_t code[] = {0x48, 0xC7, 0xC0, 0x0F, 0x00, 0x00, 0x00, 0x0F, 0x05};
    const auto* at = reinterpret_cast<const void*>(pc);
    return in.readable(at, PF_X) >= sizeof code && std::memcmp(at, code, sizeof code) == 0;
}

}  // namespace

rule compile_rule(std::uintptr_t pc, const code_module& in) noexcept {
    const rule none{rule_kind::no_table, 0, 0};
    const rule otherwise = returns_from_signal(pc, in) ? rule{rule_kind::signal, 0, 0} : none;
    const std::uintptr_t at = search_table(pc, in);
    if (at == 0) return otherwise;
    table_bytes entry = entry_at(in, at);
    const auto here = reinterpret_cast<std::uintptr_t>(entry.at);
    const auto back = entry.get<std::uint32_t>();
    common_entry common;
    if (!entry.ok || back == 0 || !read_common(in, here - back, common)) return otherwise;
    const std::uintptr_t begin = entry.encoded(common.pointers, 0);
    const std::uintptr_t length = entry.encoded(common.pointers & 0x0F, 0);
    if (!entry.ok || pc < begin || pc - begin >= length) return otherwise;
    if (common.has_augmentation) entry.take(entry.unsigned_number());
    row_machine machine(common, pc);
    if (!machine.run(common.program, 0)) return none;
    machine.keep_initial();
    if (!machine.run(entry, begin)) return none;
    return to_rule(machine.now(), common.signal);
}

}  // namespace ashlar::unwind
