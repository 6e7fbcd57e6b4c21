#include "ashlar/observe/trace_info.hpp"

namespace ashlar {

namespace {

std::string counted(std::uint64_t n, const char* one, const char* many) {
    return std::to_string(n) + " " + (n == 1 ? one : many);
}

const char* reason(trace_cut c) {
    switch (c) {
        case trace_cut::disk_full: return "the disk is full";
        case trace_cut::file_limit: return "the process's limit on file size was reached";
        case trace_cut::file_lost: return "the program closed the file and it could not be opened again";
        case trace_cut::no_memory: return "no address space was left";
        case trace_cut::io_error: return "the file system refused";
        case trace_cut::none: break;
    }
    return "the reason is not known";
}

}  // namespace

std::string describe(const trace_info& info) {
    std::string text;
    switch (info.state) {
        case trace_state::running:
            text = "The process did not end by exit: it was killed, left by _exit or exec, or is still running; "
                   "everything up to that moment is in the trace.";
            break;
        case trace_state::closed: text = "The recording is complete."; break;
        case trace_state::cut:
            text = std::string("The trace is cut: ") + reason(info.cut) + ", and the program went on unrecorded.";
            break;
        case trace_state::replaced:
            text = "The process went on as another program (exec), which has a trace of its own.";
            break;
    }
    if (info.sample_mean != 0) {
        text += " It is a sample, one byte in " + std::to_string(info.sample_mean) + ": figures are estimates.";
    }
    if (info.dropped_events != 0) {
        text += " " + counted(info.dropped_events, "event is", "events are") + " missing.";
    }
    return text;
}

std::string describe(const trace_health& h) {
    std::string text;
    const auto add = [&](std::uint64_t n, const char* one, const char* many) {
        if (n == 0) return;
        if (!text.empty()) text += " ";
        text += counted(n, one, many);
    };
    add(h.truncated_chunks, "chunk is cut off by the end of the file.", "chunks are cut off by the end of the file.");
    add(h.missing_bytes, "byte is missing at the end of the file.", "bytes are missing at the end of the file.");
    add(h.damaged_chunks, "chunk is damaged and was left out from the damage on.",
        "chunks are damaged and were left out from the damage on.");
    add(h.missing_chunks, "chunk is missing.", "chunks are missing.");
    add(h.skipped_bytes, "byte belongs to no chunk.", "bytes belong to no chunk.");
    add(h.foreign_releases, "release is of a block that the trace does not know.",
        "releases are of blocks that the trace does not know.");
    add(h.forced_grants, "block was granted where another was still live.",
        "blocks were granted where another was still live.");
    return text;
}

}  // namespace ashlar
