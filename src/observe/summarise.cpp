// A trace read to its end and summed up. Apart from summary.cpp so that who feeds events needs no reader.
#include "ashlar/observe/summary.hpp"

namespace ashlar {

std::unique_ptr<summary> summarise(trace_reader& reader) {
    summary_builder builder(reader.info().sample_mean);
    while (const event* e = reader.next()) builder.add(*e);
    auto done = builder.finish(reader.info().duration_ns);
    for (auto& row : done->per_thread) {
        if (row.thread == summary::other_threads)
            row.name = "other threads";
        else if (row.thread < reader.info().threads)
            row.name = reader.thread_name(row.thread);
    }
    return done;
}

}  // namespace ashlar
