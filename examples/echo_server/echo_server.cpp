// echo_server - a server of coroutines with its own load generator: once it is warm no session asks malloc for anything.
//
// Usage: echo_server [sessions] [messages a session]        500 and 20 by default; 10000 20 for the figures of docs/async.md
//
// One process serves, another plays all the clients: each may have open files of its own. Every session is a task, and every message one more, within it: its
// frame comes from the thread's cache. What Asio needs for an operation lies in the frame of who awaits it (awaited).
// The program counts its own mallocs: those of the server, after every session has had its first messages.
#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/signal_set.hpp>
#include <asio/write.hpp>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "ashlar/async/asio.hpp"
#include "ashlar/async/task.hpp"
#include "ashlar/realtime/latency_histogram.hpp"

using asio::ip::tcp;
using ashlar::awaited;
using ashlar::task;

// ---- counting mallocs: the program's own go through here -------------------------------------------------

namespace {
/// What both processes see.
struct shared {
    std::atomic<std::uint64_t> mallocs{0};  ///< of the server
    std::atomic<std::uint64_t> echoed{0};
    std::atomic<unsigned short> port{0};
};
shared* both = nullptr;
bool serves = false;
void note() noexcept {
    if (serves) both->mallocs.fetch_add(1, std::memory_order_relaxed);
}
}  // namespace

extern "C" {
void* __libc_malloc(std::size_t) noexcept;  // NOLINT: glibc's names
void* __libc_calloc(std::size_t, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;
void* malloc(std::size_t size) noexcept { return note(), __libc_malloc(size); }
void* calloc(std::size_t n, std::size_t size) noexcept { return note(), __libc_calloc(n, size); }
void* aligned_alloc(std::size_t align, std::size_t size) noexcept { return note(), __libc_memalign(align, size); }
}

namespace {

constexpr std::size_t message = 128;
constexpr std::size_t first_messages = 2;

// ---- the server ---------------------------------------------------------------------------------------------

/// One message. @returns false at the session's end
task<bool> echo(tcp::socket& socket) {
    std::byte bytes[message];
    const auto [read_error, size] = co_await socket.async_read_some(asio::buffer(bytes), awaited);
    if (read_error) co_return false;
    const auto [write_error, written] = co_await asio::async_write(socket, asio::buffer(bytes, size), awaited);
    co_return !write_error;
}
task<> session(tcp::socket socket) {
    for (bool more = true; more;) {
        more = co_await echo(socket);
        if (more) both->echoed.fetch_add(1, std::memory_order_relaxed);
    }
}
task<> accept(tcp::acceptor& acceptor, std::size_t sessions) {
    for (std::size_t i = 0; i < sessions; ++i) {
        tcp::socket socket(acceptor.get_executor());
        const auto error = co_await acceptor.async_accept(socket, awaited);
        if (error) co_return;
        socket.set_option(tcp::no_delay(true));
        ashlar::start(session(std::move(socket)));
    }
}

// ---- the clients --------------------------------------------------------------------------------------------

struct load {
    std::size_t sessions, messages, wrong = 0;
    asio::io_context io{1};
    std::vector<std::coroutine_handle<>> waiting{}, finished{};  // until all have come here
    std::uint64_t mallocs_when_warm = 0, mallocs_at_end = 0;
    std::chrono::steady_clock::time_point began{}, ended{};
    ashlar::latency_histogram times{};

    load(std::size_t many, std::size_t each) : sessions(many), messages(each) { waiting.reserve(many), finished.reserve(many); }
    /// Goes on when all have come.
    struct meeting {
        load& of;
        std::vector<std::coroutine_handle<>>& met;
        void (load::*then)();
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> h) const {
            met.push_back(h);
            if (met.size() == of.sessions) asio::post(of.io, [&l = of, what = then] { (l.*what)(); });
        }
        void await_resume() const noexcept {}
    };
    meeting all_are_ready() { return {*this, waiting, &load::begin}; }
    meeting all_are_done() { return {*this, finished, &load::end}; }
    void begin() {
        mallocs_when_warm = both->mallocs.load();
        began = std::chrono::steady_clock::now();
        for (const auto h : waiting) h.resume();
    }
    void end() {
        ended = std::chrono::steady_clock::now();
        mallocs_at_end = both->mallocs.load();  // before any session has ended
        for (const auto h : finished) h.resume();
    }
};

task<bool> ask(tcp::socket& socket, unsigned char what, load& l, bool counts) {
    unsigned char bytes[message], answer[message];
    std::memset(bytes, what, message);
    const auto from = std::chrono::steady_clock::now();
    const auto [write_error, written] = co_await asio::async_write(socket, asio::buffer(bytes), awaited);
    const auto [read_error, size] = co_await asio::async_read(socket, asio::buffer(answer), awaited);
    const auto took = std::chrono::steady_clock::now() - from;
    if (counts) l.times.record(static_cast<std::uint64_t>(std::chrono::nanoseconds(took).count()));
    co_return !write_error && !read_error && std::memcmp(bytes, answer, message) == 0;
}
task<> client(load& l, tcp::endpoint where) {
    tcp::socket socket(l.io);
    bool good = !co_await socket.async_connect(where, awaited);
    if (good) socket.set_option(tcp::no_delay(true));
    for (std::size_t i = 0; good && i < first_messages; ++i) good = co_await ask(socket, static_cast<unsigned char>(i), l, false);
    co_await l.all_are_ready();
    for (std::size_t i = 0; good && i < l.messages; ++i) good = co_await ask(socket, static_cast<unsigned char>(i * 7), l, true);
    l.wrong += !good;
    co_await l.all_are_done();
}
task<> connect_all(load& l, tcp::endpoint where) {
    for (std::size_t i = 0; i < l.sessions; ++i) {
        ashlar::start(client(l, where));
        if (i % 64 == 63) co_await asio::post(l.io, awaited);  // the others' turn: the queue of connections is finite
    }
}

/// @returns how many sessions the limit of open files allows, of so many; a file each in either process and some besides
std::size_t allowed(std::size_t sessions) {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    const rlim_t wanted = sessions + 64;
    if (files.rlim_cur < wanted) {
        files.rlim_cur = wanted < files.rlim_max ? wanted : files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (files.rlim_cur >= wanted) return sessions;
    const std::size_t fewer = files.rlim_cur > 64 ? static_cast<std::size_t>(files.rlim_cur) - 64 : 0;
    std::printf("RLIMIT_NOFILE allows %llu open files, %zu sessions need %llu: %zu sessions then. Raise it with: ulimit -Hn %llu\n",
                static_cast<unsigned long long>(files.rlim_cur), sessions, static_cast<unsigned long long>(wanted), fewer,
                static_cast<unsigned long long>(wanted));
    return fewer;
}

/// Plays the clients and tells the figures. @returns the process's status
int play(std::size_t sessions, std::size_t messages) {
    while (both->port == 0) usleep(1000);
    load l(sessions, messages);
    ashlar::start(connect_all(l, tcp::endpoint(asio::ip::address_v4::loopback(), both->port)));
    l.io.run();
    const double seconds = std::chrono::duration<double>(l.ended - l.began).count();
    const std::uint64_t mallocs = l.mallocs_at_end - l.mallocs_when_warm;
    std::printf("%zu sessions at once, %zu messages each of %zu bytes: %.0f messages a second\n", sessions, messages, message,
                static_cast<double>(sessions * messages) / seconds);
    std::printf("there and back with %zu at once: p50 %.1f ms, p99 %.1f ms\n", sessions, static_cast<double>(l.times.percentile(50)) / 1e6,
                static_cast<double>(l.times.percentile(99)) / 1e6);
    std::printf("mallocs of the server after the first messages: %llu, for %zu messages, each a coroutine\n",
                static_cast<unsigned long long>(mallocs), sessions * messages);
    std::fflush(stdout);
    if (l.wrong != 0) std::fprintf(stderr, "echo_server: %zu sessions failed\n", l.wrong);
    return l.wrong == 0 && mallocs == 0 ? 0 : 1;
}
void serve(std::size_t sessions) {
    serves = true;
    asio::io_context io(1);
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    acceptor.listen(asio::socket_base::max_listen_connections);
    asio::signal_set clients_ended(io, SIGCHLD);
    clients_ended.async_wait([&](std::error_code, int) { acceptor.close(); });
    ashlar::start(accept(acceptor, sessions));
    both->port = acceptor.local_endpoint().port();
    io.run();  // until the clients and the last session have ended
}

}  // namespace

int main(int count, char** words) {
    const std::size_t wanted = count > 1 ? std::strtoull(words[1], nullptr, 10) : 500;
    const std::size_t messages = count > 2 ? std::strtoull(words[2], nullptr, 10) : 20;
    const std::size_t sessions = allowed(wanted);
    if (sessions == 0 || messages == 0) return std::fprintf(stderr, "usage: echo_server [sessions] [messages a session]\n"), 2;

    void* const memory = mmap(nullptr, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return std::perror("echo_server"), 1;
    both = ::new (memory) shared;
    std::fflush(stdout);
    const pid_t clients = fork();
    if (clients == 0) return play(sessions, messages);
    if (clients < 0) return std::perror("echo_server"), 1;
    serve(sessions);
    int status = 1;
    waitpid(clients, &status, 0);
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    std::printf("peak memory of the server: %ld MiB\n", used.ru_maxrss / 1024);
    if (both->echoed == sessions * (messages + first_messages)) return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    return std::fprintf(stderr, "echo_server: %llu messages were echoed, of %zu\n", static_cast<unsigned long long>(both->echoed),
                        sessions * (messages + first_messages)), 1;
}
