// Apart from the builder, so that making steps from events does not need the reader's code.
#include "ashlar/observe/replay_script.hpp"

#include <bit>

namespace ashlar {

replay_facts make_replay_script(trace_reader& reader, const replay_sink& sink, std::uint64_t limit) {
    const std::uint64_t page = reader.info().page_size;
    replay_script_builder builder(sink, std::has_single_bit(page) ? page : 4096, limit);
    while (const event* e = reader.next()) {
        if (!builder.add(*e)) break;
    }
    return builder.finish();
}

}  // namespace ashlar
