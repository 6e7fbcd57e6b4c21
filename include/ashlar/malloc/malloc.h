/* ashlar/malloc/malloc.h - what libashlar-malloc offers beside malloc itself, for C and C++.
 *
 * Layer:      malloc
 * Complexity: ashlar_malloc_stats: O(spans). The others: as their sentences say.
 * Failure:    as each says; those that do not, cannot fail.
 * Threads:    any, as far as a sentence does not say otherwise.
 * Checked by: tests/malloc/program/interface.c, tests/malloc/program/statistics.cpp, tests/malloc/program/settings.cpp,
 *             tests/malloc/program/heaps.cpp
 *
 * Declare the functions weak (or ask dlsym) in a program that must also run without the library.
 */
#ifndef ASHLAR_MALLOC_MALLOC_H
#define ASHLAR_MALLOC_MALLOC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** All in bytes or numbers since the start. What running threads hold ready counts as live. Taken while other threads
 *  run: no span is missed or counted twice, blocks taken or given back at that moment are counted before or after. */
struct ashlar_malloc_statistics {
    uint64_t allocations;      /**< blocks granted */
    uint64_t live_blocks;      /**< blocks granted and not freed */
    uint64_t live_bytes;       /**< their usable bytes */
    uint64_t used_bytes;       /**< of the spans and mappings that hold them */
    uint64_t peak_used_bytes;  /**< the most of that */
    uint64_t dirty_bytes;      /**< free, and not given back to the system yet; in slices and cached mappings */
    uint64_t purged_bytes;     /**< given back so far, of slices */
    uint64_t reserved_bytes;   /**< address space for slices and records */
    uint64_t record_bytes;     /**< address space for records alone */
    uint64_t heaps;            /**< heaps there ever were: the most threads at a time */
    uint64_t free_bytes;       /**< of blocks in the lists of spans */
    uint64_t under_way_blocks; /**< freed by other threads than those that granted them, and not collected yet */
    uint64_t under_way_bytes;  /**< in them */
    uint64_t resident_bytes;   /**< what the system has given, about: blocks, what they are cut from, dirty bytes */
    uint64_t cached_bytes;     /**< of the dirty bytes those in the cache of large blocks */
    uint64_t mapped_blocks;    /**< live blocks that are mappings of their own */
    uint64_t mapped_bytes;     /**< in them */
};

void ashlar_malloc_stats(struct ashlar_malloc_statistics* out);
/** The same with tables of size classes and of heaps for a reader; as one line of JSON; as the XML of malloc_info. */
enum ashlar_stats_format { ashlar_stats_text, ashlar_stats_json, ashlar_stats_xml };
/** Is given the text piece by piece. No lock is held: it may allocate, and may block. */
typedef void (*ashlar_writer)(void* to, const char* text, size_t length);
void ashlar_malloc_write_stats(enum ashlar_stats_format format, ashlar_writer write, void* to);
/** Writes them to standard error: as text, or as JSON. */
void ashlar_malloc_print_stats(int as_json);
/** Gives everything unused back to the system. @returns whether anything was. */
int ashlar_malloc_trim(void);
/** @returns whether p lies in memory of this malloc. */
int ashlar_malloc_owns(const void* p);

/* --- heaps that the program makes -------------------------------------------------------------------------------- */
/** A heap for any thread, whose blocks can all be ended at once. They may also be freed one by one, by free, from any
 *  thread; realloc leaves them in their heap. Threads take turns in it: the process's own malloc is the one that scales. */
typedef struct ashlar_heap ashlar_heap;
/** @returns null and ENOMEM when refused. */
ashlar_heap* ashlar_heap_new(void);
/** Ends every block of the heap, large ones too, and the heap. None of them may be used, or be freed, meanwhile or
 *  later. Null is allowed. */
void ashlar_heap_destroy(ashlar_heap* heap);
/** Ends every block; the heap is then as it was when it was made. */
void ashlar_heap_reset(ashlar_heap* heap);
/** As malloc, calloc, aligned_alloc (any size) and realloc. Null and ENOMEM when refused, EINVAL for an alignment that
 *  is no power of two. */
void* ashlar_heap_malloc(ashlar_heap* heap, size_t size);
void* ashlar_heap_calloc(ashlar_heap* heap, size_t count, size_t size);
void* ashlar_heap_aligned(ashlar_heap* heap, size_t align, size_t size);
void* ashlar_heap_realloc(ashlar_heap* heap, void* p, size_t size);
/** As free, for whoever is given functions; the heap is not looked at. */
void ashlar_heap_free(ashlar_heap* heap, void* p);
/** @returns whether p lies in a block of this heap, or in memory that it cuts blocks from. */
int ashlar_heap_owns(const ashlar_heap* heap, const void* p);

/** What the heap holds ready counts as live. */
struct ashlar_heap_statistics {
    uint64_t spans;
    uint64_t span_bytes; /**< address space of them and of its large blocks */
    uint64_t live_blocks;
    uint64_t live_bytes;
    uint64_t free_bytes;
};
/** O(spans of the process). */
void ashlar_heap_stats(ashlar_heap* heap, struct ashlar_heap_statistics* out);

/* --- what is where ----------------------------------------------------------------------------------------------- */
/** Calls visit for every block in use until it returns 0, of one heap or, for null, of all. Threads may run: blocks that
 *  they are granted or free meanwhile are visited or not; all others are, once. No lock is held: visit may allocate and
 *  free. `owner` is null but for blocks of heaps that the program made.
 *  @returns whether all were visited */
int ashlar_heap_walk(ashlar_heap* heap, int (*visit)(void* to, void* block, size_t size, ashlar_heap* owner), void* to);

struct ashlar_block {
    void* start;        /**< of the block around the address */
    size_t size;        /**< its usable bytes */
    ashlar_heap* owner; /**< the heap that the program made and it belongs to; null: the process's */
    int large;          /**< not one of equal blocks */
};
/** What lies around an address, the inside of a block too. Whether the block is in use is for its holder to know.
 *  @returns 0 when it is no place of a block of this malloc, or no block was granted there yet */
int ashlar_owner_of(const void* p, struct ashlar_block* out);

/* --- a heap profile ---------------------------------------------------------------------------------------------- */
/** Notes the stack of one block in so many bytes, on the average, from now on: the fast paths stay as they are.
 *  @returns 0, or EBUSY: it runs already; ENOSYS: there is no unwinder; ENOMEM; EINVAL: 0, or another number than at the
 *  first start. */
int ashlar_profile_start(size_t sample_bytes);
/** No further samples; those that live are still followed. */
void ashlar_profile_stop(void);
/** Writes what was granted and what lives, as pprof reads it (not compressed). @returns 0 or an errno value. */
int ashlar_profile_dump(const char* path);
int ashlar_profile_write(ashlar_writer write, void* to);

/* --- settings and figures by name (docs/malloc.md has the table) ------------------------------------------------- */
enum ashlar_setting_error {
    ashlar_setting_ok,
    ashlar_setting_unknown,      /**< no such name */
    ashlar_setting_wrong_type,   /**< a number where the option has words, or text that is neither */
    ashlar_setting_out_of_range, /**< below the least or above the most */
    ashlar_setting_fixed         /**< not to be changed while the program runs */
};
/** One sentence for it, in static storage. */
const char* ashlar_setting_explain(enum ashlar_setting_error error);
/** Reads an option whose value is a number, or "stats." and the name of a figure: "stats.live_bytes". */
enum ashlar_setting_error ashlar_setting_get(const char* name, int64_t* value);
/** Reads any of them as text, as ashlar.conf would have it, ending with 0; out_of_range if `size` is too small. */
enum ashlar_setting_error ashlar_setting_get_text(const char* name, char* text, size_t size);
/** Changes an option while the program runs, by number or by text ("3 MiB", "fast"). After an error nothing changed. */
enum ashlar_setting_error ashlar_setting_set(const char* name, int64_t value);
enum ashlar_setting_error ashlar_setting_set_text(const char* name, const char* text);
/** The options: their names for index 0, 1, ..., and null behind the last. `meaning` and `changeable` may be null. */
const char* ashlar_setting_name(size_t index, const char** meaning, int* changeable);

/* --- misuse ------------------------------------------------------------------------------------------------------ */
/** What was wrong with a pointer that was freed, reallocated or asked about. */
enum ashlar_misuse_kind {
    ashlar_misuse_foreign,  /**< not of this malloc */
    ashlar_misuse_interior, /**< inside a block */
    ashlar_misuse_unused,   /**< no block was granted there yet */
    ashlar_misuse_twice,    /**< free already */
    ashlar_misuse_corrupted, /**< a free block that was written to; `pointer` is the block */
    ashlar_misuse_wrong_size, /**< deleted or freed with a size that is not its own */
    ashlar_misuse_overrun /**< something was written behind its end, or before its start */
};
/** `call` names the function; block and size are those of the block around the pointer, or null and 0. */
typedef void (*ashlar_misuse_handler)(enum ashlar_misuse_kind kind, const char* call, const void* pointer,
                                      const void* block, size_t size);
/** Called instead of the message and abort; null brings those back. If it returns, the call that was misused has no
 *  effect. */
void ashlar_malloc_on_misuse(ashlar_misuse_handler handler);
/** @returns the version as 10000 * major + 100 * minor + patch. */
int ashlar_malloc_version(void);

#ifdef __cplusplus
}
#endif

#endif
