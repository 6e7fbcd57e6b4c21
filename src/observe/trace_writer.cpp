#include "ashlar/observe/trace_writer.hpp"

#include <cstring>
#include <system_error>

#include "trace_stream.hpp"

namespace ashlar {

struct trace_writer::body {
    std::string error;
    trace_file file;
    std::vector<std::unique_ptr<trace_stream>> streams;
    std::uint64_t last_ns = 0;
    bool replaced = false;
    bool has_stacks = false;
    bool tells_memory = false;

    trace_stream& stream_of(std::uint32_t thread) {
        if (thread >= streams.size()) streams.resize(thread + 1);
        auto& s = streams[thread];
        if (!s) {
            s = std::make_unique<trace_stream>();
            s->begin(thread, thread);
            if (has_stacks) s->with_stacks();
            s->set_name({});
        }
        return *s;
    }
};

trace_writer::trace_writer(std::unique_ptr<body> b) noexcept : body_(std::move(b)) {}
trace_writer::trace_writer(trace_writer&&) noexcept = default;
trace_writer& trace_writer::operator=(trace_writer&& other) noexcept {
    if (this != &other) {
        if (body_) close(body_->last_ns);
        body_ = std::move(other.body_);
    }
    return *this;
}
trace_writer::~trace_writer() {
    if (body_) close(body_->last_ns);
}

trace_writer::operator bool() const noexcept { return body_ && body_->error.empty(); }
const std::string& trace_writer::error() const noexcept { return body_->error; }

trace_writer trace_writer::create(const std::string& path, const subject& about) {
    auto b = std::make_unique<body>();
    std::string arguments;
    for (const std::string& a : about.command_line) arguments.append(a).push_back('\0');
    trace_clock clock;
    clock.set_start_unix_ns(about.start_unix_ns);
    const trace_subject subject{about.process, about.parent, 0, about.forked ? trace_format::flag_forked : 0,
                                about.stack_depth, about.sample_mean, about.tells_memory, about.tells_maps, arguments, about.executable};
    b->has_stacks = about.stack_depth != 0;
    b->tells_memory = about.tells_memory;
    if (const int error = b->file.open(path.c_str(), subject, clock); error != 0) {
        b->error = "cannot create the trace " + path + ": " + std::generic_category().message(error);
    }
    return trace_writer(std::move(b));
}

bool trace_writer::write(const event& e, std::uint64_t began_ns) {
    if (!*this || !body_->file.is_open() || body_->file.is_cut()) return false;
    if (e.thread >= thread_limit || !is_known(e.kind)) return false;
    if (e.time_ns > body_->last_ns) body_->last_ns = e.time_ns;
    if (e.kind == event_kind::exec) {
        body_->replaced = true;  // said by the header when it is closed
        return true;
    }
    trace_stream& s = body_->stream_of(e.thread);
    if (e.kind == event_kind::thread_begin) return s.open(body_->file, e.time_ns);
    const bool done = s.write(body_->file, e, {began_ns, e.time_ns});
    if (e.kind == event_kind::thread_end) s.end(body_->file);
    return done;
}

bool trace_writer::define_module(std::uint32_t number, const trace_module& what) {
    if (!*this || !body_->has_stacks || number == 0 || number >= trace_stacks::module_limit) return false;
    const trace_module_view view{what.bias, what.begin, what.bytes, what.build_id.data(), what.build_id.size(),
                                 what.path.data(), what.path.size()};
    return body_->stream_of(0).define_module(body_->file, body_->last_ns, number, view);
}

std::uint32_t trace_writer::define_stack(std::uint32_t thread, std::uint32_t parent, trace_place place) {
    if (!*this || !body_->has_stacks || thread >= thread_limit) return 0;
    trace_stream& s = body_->stream_of(thread);
    const std::uint32_t number = s.define_place(body_->file, body_->last_ns, place.module, place.offset);
    if (number == trace_stream::no_number) return 0;
    const std::uint32_t stack = s.define_stacks(body_->file, body_->last_ns, parent, &number, 1);
    return stack == trace_stream::no_number ? 0 : stack;
}

bool trace_writer::tell_memory(std::uint64_t time_ns, std::uint64_t resident, std::uint64_t committed) {
    if (!*this || !body_->tells_memory || !body_->file.is_open() || body_->file.is_cut()) return false;
    return body_->stream_of(0).tell_memory(body_->file, time_ns, resident, committed);
}

bool trace_writer::tell_text(std::uint32_t thread, std::string_view text) {
    if (!*this || thread >= thread_limit || !body_->file.is_open() || body_->file.is_cut()) return false;
    return body_->stream_of(thread).tell_text(body_->file, body_->last_ns, text.data(), text.size());
}

void trace_writer::name_thread(std::uint32_t thread, std::string_view name) {
    if (!*this || thread >= thread_limit) return;
    char text[16] = {};
    std::memcpy(text, name.data(), name.size() < 15 ? name.size() : 15);
    body_->stream_of(thread).set_name(text);
}

void trace_writer::count_dropped(std::uint64_t events) {
    if (*this && body_->file.is_open()) body_->file.count_dropped(events);
}

bool trace_writer::close(std::uint64_t end_ns) {
    if (!*this) return false;
    const bool whole = !body_->file.is_cut();
    if (!body_->file.is_open()) return whole;
    for (auto& s : body_->streams) {
        if (s) s->end(body_->file);
    }
    body_->file.mark_ended(body_->replaced ? trace_state::replaced : trace_state::closed, end_ns, end_ns);
    body_->file.release();
    return whole;
}

}  // namespace ashlar
