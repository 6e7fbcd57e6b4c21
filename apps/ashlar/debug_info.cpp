// See debug_info.hpp.
#include "debug_info.hpp"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>

namespace ashlar::app {
namespace {

std::string readable(const char* name) {
    if (name == nullptr) return "";
    int status = 0;
    char* text = std::strncmp(name, "_Z", 2) == 0 ? abi::__cxa_demangle(name, nullptr, nullptr, &status) : nullptr;
    std::string result = text != nullptr ? text : name;
    std::free(text);
    return result;
}

std::string name_of(Dwarf_Die* die) {
    Dwarf_Attribute attribute;
    for (const unsigned wanted : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name}) {
        if (dwarf_attr_integrate(die, wanted, &attribute) == nullptr) continue;
        if (const char* name = dwarf_formstring(&attribute); name != nullptr) return readable(name);
    }
    return readable(dwarf_diename(die));
}

/// Code of one function; a function may have several ranges.
struct function_range {
    Dwarf_Addr begin;
    Dwarf_Addr end;
    Dwarf_Die die;
};

/// What was read of one compilation unit.
struct unit {
    std::vector<function_range> functions;  ///< by begin
};

constexpr int deepest = 64;  // of scopes in scopes: no compiler goes there

void add_functions(Dwarf_Die* in, unit& u, int depth) {
    Dwarf_Die child;
    if (depth > deepest || dwarf_child(in, &child) != 0) return;
    do {
        switch (dwarf_tag(&child)) {
            case DW_TAG_subprogram: {
                Dwarf_Addr base, begin, end;
                for (std::ptrdiff_t at = 0; (at = dwarf_ranges(&child, at, &base, &begin, &end)) > 0;) {
                    if (begin < end) u.functions.push_back({begin, end, child});
                }
                break;
            }
            case DW_TAG_namespace:
            case DW_TAG_module:
            case DW_TAG_class_type:
            case DW_TAG_structure_type:
                add_functions(&child, u, depth + 1);
                break;
            default: break;
        }
    } while (dwarf_siblingof(&child, &child) == 0);
}

/// The inlined calls around an address, outermost first.
void add_inlined(Dwarf_Die* in, Dwarf_Addr address, std::vector<Dwarf_Die>& calls, int depth) {
    Dwarf_Die child;
    if (depth > deepest || dwarf_child(in, &child) != 0) return;
    do {
        const int tag = dwarf_tag(&child);
        if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_lexical_block && tag != DW_TAG_try_block && tag != DW_TAG_catch_block) continue;
        if (dwarf_haspc(&child, address) <= 0) continue;
        if (tag == DW_TAG_inlined_subroutine) calls.push_back(child);
        add_inlined(&child, address, calls, depth + 1);
        return;
    } while (dwarf_siblingof(&child, &child) == 0);
}

std::uint32_t number_of(Dwarf_Die* die, unsigned attribute) {
    Dwarf_Attribute a;
    Dwarf_Word value = 0;
    if (dwarf_attr(die, attribute, &a) == nullptr || dwarf_formudata(&a, &value) != 0) return 0;
    return static_cast<std::uint32_t>(value);
}

std::string hex(std::span<const std::uint8_t> bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const auto b : bytes) text += {digits[b >> 4], digits[b & 15]};
    return text;
}

}  // namespace

struct debug_info::body {
    std::string paths;
    char* path_list = nullptr;
    Dwfl_Callbacks callbacks{};
    Dwfl* session = nullptr;
    Dwfl_Module* module = nullptr;
    std::map<Dwarf_Off, unit> units;
    struct symbol {
        GElf_Addr at;
        GElf_Xword size;
        int index;
    };
    std::vector<symbol> sorted;

    ~body() {
        if (session != nullptr) dwfl_end(session);
    }
    unit& unit_of(Dwarf_Die* compiled) {
        const auto [at, is_new] = units.try_emplace(dwarf_dieoffset(compiled));
        if (is_new) {
            add_functions(compiled, at->second, 0);
            auto& all = at->second.functions;
            std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.begin != b.begin ? a.begin < b.begin : a.end > b.end; });
        }
        return at->second;
    }
    /// libdw's own search goes through all symbols for each address: thousands of addresses would take seconds.
    void sort_symbols() {
        const int count = dwfl_module_getsymtab(module);
        for (int i = 1; i < count; ++i) {
            GElf_Sym s;
            GElf_Addr at = 0;
            if (dwfl_module_getsym_info(module, i, &s, &at, nullptr, nullptr, nullptr) == nullptr) continue;
            const auto kind = GELF_ST_TYPE(s.st_info);
            const bool is_code = kind == STT_FUNC || kind == STT_GNU_IFUNC || (kind == STT_NOTYPE && s.st_shndx != SHN_UNDEF);
            if (is_code && s.st_shndx != SHN_UNDEF) sorted.push_back({at, s.st_size, i});
        }
        std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.at != b.at ? a.at < b.at : a.size < b.size; });
    }
    std::vector<code_line> by_symbols(std::uint64_t address) {
        if (sorted.empty()) sort_symbols();
        auto next = std::upper_bound(sorted.begin(), sorted.end(), address, [](std::uint64_t a, const auto& s) { return a < s.at; });
        for (int step = 0; step < 4 && next != sorted.begin(); ++step) {  // a short one may lie in a longer one
            --next;
            if (next->size != 0 && address - next->at >= next->size) continue;
            if (next->size == 0 && address - next->at > 4096) continue;  // the end of hand-written code is not told
            GElf_Sym s;
            GElf_Addr at = 0;
            const char* name = dwfl_module_getsym_info(module, next->index, &s, &at, nullptr, nullptr, nullptr);
            if (name != nullptr && *name != 0) return {{readable(name), "", 0}};
        }
        return {};
    }
};

debug_info::debug_info(const std::string& path, std::span<const std::uint8_t> build_id, const std::string& debug_paths)
    : body_(std::make_unique<body>()) {
    body& b = *body_;
    b.paths = "+" + debug_paths + (debug_paths.empty() ? "" : ":") + "/usr/lib/debug:.debug";
    b.path_list = b.paths.data();
    b.callbacks.find_elf = dwfl_linux_proc_find_elf;
    b.callbacks.find_debuginfo = dwfl_standard_find_debuginfo;
    b.callbacks.section_address = dwfl_offline_section_address;
    b.callbacks.debuginfo_path = &b.path_list;
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        error_ = std::strerror(errno);
        return;
    }
    b.session = dwfl_begin(&b.callbacks);
    if (b.session != nullptr) {
        dwfl_report_begin(b.session);
        b.module = dwfl_report_elf(b.session, "recorded", path.c_str(), file, 0, false);
        dwfl_report_end(b.session, nullptr, nullptr);
    }
    if (b.module == nullptr) {
        error_ = "it is no program and no library";
        if (b.session == nullptr || file >= 0) ::close(file);
        return;
    }
    const unsigned char* found = nullptr;
    GElf_Addr where = 0;
    GElf_Addr bias = 0;
    dwfl_module_getelf(b.module, &bias);
    const int length = dwfl_module_build_id(b.module, &found, &where);
    const std::size_t known = length > 0 ? static_cast<std::size_t>(length) : 0;
    if (!build_id.empty() && (known < build_id.size() || std::memcmp(found, build_id.data(), build_id.size()) != 0)) {
        error_ = "it is another file than the one that was recorded (build id " + hex({found, known}) + ", not " + hex(build_id) + ")";
    }
}

debug_info::~debug_info() = default;

std::vector<code_line> debug_info::at(std::uint64_t address) {
    if (!error_.empty()) return {};
    body& b = *body_;
    Dwarf_Addr bias = 0;
    Dwarf_Die* compiled = dwfl_module_addrdie(b.module, address, &bias);
    if (compiled == nullptr) return b.by_symbols(address);
    const Dwarf_Addr inside = address - bias;
    auto& functions = b.unit_of(compiled).functions;
    auto next = std::upper_bound(functions.begin(), functions.end(), inside, [](Dwarf_Addr a, const function_range& f) { return a < f.begin; });
    // Ranges do not overlap in sound files; a few steps are for those that do.
    for (int step = 0; step < 8 && next != functions.begin() && (next - 1)->end <= inside; ++step) --next;
    if (next == functions.begin() || inside >= (next - 1)->end) return b.by_symbols(address);
    Dwarf_Die function = (next - 1)->die;
    std::vector<Dwarf_Die> calls{function};
    add_inlined(&function, inside, calls, 0);

    std::vector<code_line> lines(calls.size());  // innermost first
    if (Dwarf_Line* line = dwarf_getsrc_die(compiled, inside); line != nullptr) {
        int number = 0;
        const char* file = dwarf_linesrc(line, nullptr, nullptr);
        dwarf_lineno(line, &number);
        lines[0].file = file != nullptr ? file : "";
        lines[0].line = static_cast<std::uint32_t>(number);
    }
    Dwarf_Files* files = nullptr;
    std::size_t file_count = 0;
    dwarf_getsrcfiles(compiled, &files, &file_count);
    for (std::size_t i = 0; i < calls.size(); ++i) {
        Dwarf_Die& die = calls[calls.size() - 1 - i];
        lines[i].function = name_of(&die);
        if (i + 1 == calls.size()) break;
        // Where this was called from is a line of the function around it.
        const std::uint32_t file = number_of(&die, DW_AT_call_file);
        const char* name = files != nullptr && file < file_count ? dwarf_filesrc(files, file, nullptr, nullptr) : nullptr;
        lines[i + 1].file = name != nullptr ? name : "";
        lines[i + 1].line = number_of(&die, DW_AT_call_line);
    }
    if (lines.back().function.empty()) {
        if (const auto known = b.by_symbols(address); !known.empty()) lines.back().function = known[0].function;
    }
    return lines;
}

}  // namespace ashlar::app
