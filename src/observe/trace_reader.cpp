#include "ashlar/observe/trace_reader.hpp"

#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>

#include "trace_order.hpp"

namespace ashlar {

struct trace_reader::body {
    std::string error;
    std::optional<trace_source> source;
    trace_index index;
    trace_health health;
    trace_stacks stacks;
    std::optional<trace_order> order;
    std::vector<memory_sample> memory;
    trace_texts texts;
};

namespace {

/// What a person should do about it, if anything, is in the words of the error.
std::string sentence(const std::string& name, const std::string& why) { return name + " " + why; }

}  // namespace

trace_reader::trace_reader(std::unique_ptr<body> b) noexcept : body_(std::move(b)) {}
trace_reader::trace_reader(trace_reader&&) noexcept = default;
trace_reader& trace_reader::operator=(trace_reader&&) noexcept = default;
trace_reader::~trace_reader() = default;

trace_reader trace_reader::open(const std::string& path) {
    auto b = std::make_unique<body>();
    int error = 0;
    b->source.emplace(path.c_str(), error);
    if (error == EINVAL) {  // trace_system's word for devices, pipes and sockets
        b->error = sentence(path, "is not a trace of Ashlar: it is no regular file");
    } else if (error != 0) {
        b->error = "cannot read the trace " + path + ": " + std::generic_category().message(error);
    } else if (std::string why = read_index(*b->source, b->index); !why.empty()) {
        b->error = sentence(path, why);
    }
    trace_reader r(std::move(b));
    if (r) r.rewind();
    return r;
}

trace_reader trace_reader::open(std::span<const std::byte> bytes) {
    auto b = std::make_unique<body>();
    b->source.emplace(bytes);
    if (std::string why = read_index(*b->source, b->index); !why.empty()) b->error = sentence("the trace", why);
    trace_reader r(std::move(b));
    if (r) r.rewind();
    return r;
}

trace_reader::operator bool() const noexcept { return body_ && body_->error.empty(); }
const std::string& trace_reader::error() const noexcept { return body_->error; }

void trace_reader::rewind() {
    if (!*this) return;
    body_->health = body_->index.health;
    body_->memory.clear();
    body_->texts = {};
    body_->order.emplace(*body_->source, body_->index, body_->health,
                         body_->index.info.has_stacks ? &body_->stacks : nullptr, body_->memory, body_->texts);
}

const event* trace_reader::next() {
    return *this ? body_->order->next() : nullptr;
}

const trace_info& trace_reader::info() const noexcept { return body_->index.info; }
const trace_stacks& trace_reader::stacks() const noexcept { return body_->stacks; }
std::span<const memory_sample> trace_reader::memory() const noexcept { return body_->memory; }
std::string_view trace_reader::text(std::uint64_t number) const noexcept {
    const auto& all = body_->texts.all;
    return number < all.size() ? all[static_cast<std::size_t>(number)] : std::string_view();
}
const trace_health& trace_reader::health() const noexcept { return body_->health; }

std::string_view trace_reader::thread_name(std::uint32_t thread) const noexcept {
    const auto& all = body_->index.threads;
    return thread < all.size() ? std::string_view(all[thread].name) : std::string_view();
}

std::uint32_t trace_reader::thread_os_id(std::uint32_t thread) const noexcept {
    const auto& all = body_->index.threads;
    return thread < all.size() ? all[thread].os_id : 0;
}

}  // namespace ashlar
