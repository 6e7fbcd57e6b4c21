// A trace read to its end and summed up. Apart from summary.cpp so that who feeds events needs no reader.
#include <algorithm>

#include "ashlar/observe/summary.hpp"

namespace ashlar {

std::unique_ptr<summary> summarise(trace_reader& reader) {
    summary_builder builder(reader.info().sample_mean, reader.info().behind);
    while (const event* e = reader.next()) builder.add(*e);
    auto done = builder.finish(reader.info().duration_ns);
    std::vector<memory_sample> told(reader.memory().begin(), reader.memory().end());
    std::sort(told.begin(), told.end(), [](const auto& a, const auto& b) { return a.time_ns < b.time_ns; });
    for (const memory_sample& m : told) {
        auto& kept = done->memory;
        const auto bucket_ns = done->over_time.bucket_ns();
        if (kept.empty() || m.time_ns / bucket_ns != kept.back().time_ns / bucket_ns) {
            kept.push_back(m);
        } else {
            kept.back().resident = std::max(kept.back().resident, m.resident);
            kept.back().committed = std::max(kept.back().committed, m.committed);
        }
    }
    for (auto& l : done->libraries) l.name = reader.text(l.text);
    for (auto& row : done->per_thread) {
        if (row.thread == summary::other_threads)
            row.name = "other threads";
        else if (row.thread < reader.info().threads)
            row.name = reader.thread_name(row.thread);
    }
    return done;
}

}  // namespace ashlar
