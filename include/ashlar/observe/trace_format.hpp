// ashlar/observe/trace_format.hpp - the bytes of a trace: file header, chunk header, record tags.
//
// Layer:      observe
// Source:     docs/trace_format.md says the same in words, byte by byte.
// Picture:    [ file header | chunk | chunk | ... ]     chunk = [ header | record | record | ... | 0 0 0 ]
// Complexity: constants and plain structures.
// Failure:    none.
// Threads:    the fields that change while a program is recorded are named below; they are written with
//             single stores that a reader in another process may observe at any time.
// Invariants: trace_format.I1  a chunk's magic is written after the rest of its header
//             trace_format.I2  the first byte of a record is written after the rest of it, so that whatever
//                              stands before the first zero tag is whole, at any instant
//             trace_format.I3  space that was never written is zero
// Checked by: tests/observe/trace_format_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::trace_format {

inline constexpr char file_magic[8] = {'A', 'S', 'H', 'T', 'R', 'A', 'C', 'E'};
inline constexpr std::uint32_t version = 1;
inline constexpr std::uint32_t byte_order = 0x01020304;  ///< as the writing machine stores it

inline constexpr std::uint32_t needs_stacks = 1;  ///< requests tell their call stacks
inline constexpr std::uint32_t needs_packed = 2;  ///< chunks may be packed, and an index of them may stand at the end
inline constexpr std::uint32_t needs_sampled = 4;  ///< only sampled requests, and the releases of what they granted

inline constexpr std::uint32_t needs_memory = 8;  ///< records may tell what memory the process has
inline constexpr std::uint32_t needs_maps = 16;   ///< records may tell mappings and libraries

inline constexpr std::uint32_t flag_forked = 1;            ///< a fork's child; see trace_info::forked
inline constexpr std::uint32_t flag_command_line_cut = 2;  ///< the command line did not fit
inline constexpr std::uint32_t flag_malloc_is_ashlar = 4;  ///< what stood behind the recorder: see trace_info::behind
inline constexpr std::uint32_t flag_malloc_is_glibc = 8;
inline constexpr std::uint32_t ticks_are_ns = 0;           ///< tick_source: CLOCK_MONOTONIC in ns
inline constexpr std::uint32_t ticks_of_cpu = 1;           ///< tick_source: the CPU's counter, coarsened

/// At offset 0. The strings stand between it and header_bytes.
struct file_header {
    char magic[8];                    ///< written last
    std::uint32_t version;
    std::uint32_t byte_order;
    std::uint32_t header_bytes;       ///< the first chunk's offset; a multiple of the page size
    std::uint32_t page_size;
    std::uint32_t process;
    std::uint32_t parent;
    std::uint64_t process_start;      ///< the kernel's start time of the process; 0 if unknown
    std::uint32_t flags;              ///< flag_*; a reader ignores bits it does not know
    std::uint32_t needs;              ///< needs_*: features that a reader must know
    std::uint64_t ticks_per_second;   ///< estimated when recording began
    std::uint64_t start_ticks;        ///< this moment ...
    std::uint64_t start_monotonic_ns; ///< ... on the monotonic clock ...
    std::uint64_t start_unix_ns;      ///< ... and on the wall clock
    std::uint32_t tick_source;
    std::uint32_t command_bytes;      ///< at file offset strings_offset: arguments, each ended by 0
    std::uint32_t executable_bytes;   ///< right after them, not ended by 0
    std::uint32_t checksum;           ///< CRC-32C of the bytes before it and of the strings
    std::uint32_t stack_depth;        ///< with needs_stacks: the most frames that are kept of a stack
    std::uint8_t room[4];             ///< zero
    std::uint64_t sample_mean;        ///< with needs_sampled: bytes between samples
    // What follows changes while the program runs.
    std::uint32_t state;              ///< trace_state
    std::uint32_t cut;                ///< trace_cut
    std::uint64_t dropped_events;
    std::uint64_t end_ticks;          ///< written before state
    std::uint64_t end_monotonic_ns;
    std::uint64_t given_bytes;        ///< the file's length so far, told before anything is written there; never less than before
    std::uint64_t index_at;           ///< with needs_packed: the index's offset; 0: there is none
};
inline constexpr std::size_t strings_offset = 256;
static_assert(offsetof(file_header, process_start) == 32 && offsetof(file_header, checksum) == 92 &&
              offsetof(file_header, sample_mean) == 104);
static_assert(offsetof(file_header, state) == 112 && offsetof(file_header, given_bytes) == 144 && sizeof(file_header) == 160);

inline constexpr std::uint32_t chunk_magic = 0x4B4E4843;  ///< "CHNK"
inline constexpr std::uint32_t chunk_step = 64;           ///< chunks begin at and span multiples of it
inline constexpr std::uint32_t chunk_limit = 1U << 24;    ///< no chunk is longer
inline constexpr std::uint32_t region_step = 4096;        ///< after damage, chunks are sought at multiples of it

/// Before each run of one thread's records.
struct chunk_header {
    std::uint32_t magic;              ///< written last when the chunk is opened
    std::uint32_t capacity;           ///< bytes to the next chunk; shrinks once if the tail is given to another thread
    std::uint32_t used;               ///< bytes of records, written when the chunk is closed; 0 while it is open
    std::uint32_t checksum;           ///< CRC-32C from `thread` to the last record, written before `used`
    std::uint32_t thread;             ///< dense, from 0
    std::uint32_t os_thread;
    std::uint32_t sequence;           ///< which chunk of the thread this is, from 0
    std::uint32_t coding;             ///< coding_*: how the records are stored
    std::uint64_t start_ticks;        ///< the first record's time is told from here
    std::uint64_t start_monotonic_ns; ///< the same moment
    char name[16];                    ///< the thread's name, filled up with 0
};
static_assert(sizeof(chunk_header) == 64 && offsetof(chunk_header, thread) == 16);

inline constexpr std::uint32_t coding_plain = 0;   ///< as they are
inline constexpr std::uint32_t coding_packed = 1;  ///< in columns, compressed; `used` are the bytes that are stored

/// At file_header::index_at, with one index_entry after another behind it.
struct index_header {
    std::uint32_t magic;
    std::uint32_t checksum;           ///< CRC-32C of what follows, the entries included
    std::uint64_t entries;
    std::uint64_t latest_ticks;       ///< the greatest start of a chunk ...
    std::uint64_t latest_monotonic_ns;///< ... on both clocks
    std::uint8_t room[32];            ///< zero
};
struct index_entry {
    std::uint64_t offset;             ///< of a chunk; they increase
    std::uint32_t used;               ///< as the chunk says
    std::uint32_t thread;
    std::uint32_t sequence;
    std::uint32_t room;               ///< zero
};
inline constexpr std::uint32_t index_magic = 0x58444E49;  ///< "INDX"
static_assert(sizeof(index_header) == 64 && sizeof(index_entry) == 24);

// A record's first byte: the kind (event_kind, or one of the prefixes) and two flags.
inline constexpr unsigned tag_kind = 0x3F;
inline constexpr unsigned tag_near = 0x40;       ///< the address is in the table; its slot follows in one byte
inline constexpr unsigned tag_same_size = 0x80;  ///< with tag_near: the size is the one in the table, and not told
inline constexpr unsigned prefix_refused = 60;   ///< the request that follows was refused: it tells no address
inline constexpr unsigned prefix_odd = 61;       ///< one byte follows: the low four bits of the address

// A record that is no event (needs_memory): what memory the process has.
inline constexpr unsigned tell_memory = 55;

// A record that is no event (needs_maps): a part of the text that the thread's next event names.
inline constexpr unsigned tell_text = 63;

// Records that are no events: they say what numbers mean that later records of the thread use (needs_stacks).
inline constexpr unsigned define_place = 56;     ///< a place in code: the thread's next place number
inline constexpr unsigned define_stacks = 57;    ///< a stack and its continuations inwards: the next stack numbers
inline constexpr unsigned define_module = 58;    ///< a part of what is known of a loaded file
inline constexpr unsigned define_counts = 59;    ///< first in each chunk: how many numbers the thread had used before it

inline constexpr std::uint32_t stack_unknown = 0;  ///< no stack is known, and the parent of an outermost frame
inline constexpr std::uint32_t stack_cut = 1;      ///< the parent of an outermost frame whose callers are not known
inline constexpr std::uint32_t first_stack = 2;
inline constexpr std::size_t stacks_in_record = 8;
inline constexpr std::size_t bytes_in_record = 48;  ///< of a path or a build id
inline constexpr unsigned module_range = 0, module_build_id = 1, module_path = 2;  ///< parts of define_module

inline constexpr unsigned stack_slot_count = 128;  ///< of the table of stacks seen lately
/// The only slot a stack's number may stand in.
constexpr unsigned slot_of_stack(std::uint32_t stack) noexcept { return (stack * 0x9E3779B9U) >> 25; }

inline constexpr unsigned slot_count = 128;      ///< of the table of addresses seen lately
inline constexpr unsigned wide_slot_count = 256; ///< the same, with needs_stacks
inline constexpr std::uint8_t no_old = 0xFE;     ///< in place of an old address, with needs_stacks: there is none
inline constexpr std::uint8_t no_slot = 0xFF;    ///< in place of an old address's slot: a distance follows
/// No record is longer: prefixes 3, tag 1, two addresses 11 each, a stack 5, and four numbers of up to 10 bytes.
inline constexpr std::size_t record_limit = 71;

/// The only slot an address may stand in. @returns a number below slot_count, or wide_slot_count
constexpr unsigned slot_of(std::uint64_t address, bool wide = false) noexcept {
    return static_cast<unsigned>(((address >> 4) * 0x9E3779B97F4A7C15U) >> (wide ? 56 : 57));
}

}  // namespace ashlar::trace_format
