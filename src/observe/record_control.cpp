#include "ashlar/observe/record_control.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "trace_system.hpp"

namespace ashlar {

namespace {

std::string reason(int error) { return std::generic_category().message(error); }

template <class T>
T load(const T& field) {
    return std::atomic_ref<T>(const_cast<T&>(field)).load(std::memory_order_acquire);  // pairs with the stores of the process
}

/// Writes the page of `process` into the file if it is one. @returns "" or why it is none
std::string map_page(const std::string& path, std::uint32_t process, int& file, control_page*& page) {
    const std::string name = "process " + std::to_string(process);
    file = ::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 && errno == ENOENT) return name + " was not started by ashlar record, or has ended";
    if (file < 0) return path + ": " + reason(errno);
    struct stat s;
    if (::fstat(file, &s) != 0 || !S_ISREG(s.st_mode) || s.st_uid != ::geteuid() || s.st_size < static_cast<off_t>(sizeof *page)) {
        return path + " is no page of control";
    }
    void* p = ::mmap(nullptr, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (p == MAP_FAILED) return path + ": " + reason(errno);
    page = static_cast<control_page*>(p);
    if (load(page->magic) != control_page::expected_magic || page->version != control_page::expected_version) {
        return path + " is no page of control that this version knows";
    }
    if (page->process != process || page->process_start != trace_system::process_start(process)) {  // record_control.I2
        ::unlink(path.c_str());
        return name + " was not started by ashlar record";
    }
    return "";
}

}  // namespace

std::string control_folder(std::string& why) {
    // Not TMPDIR: the process and who controls it must mean the same one.
    const std::string path = "/tmp/ashlar-" + std::to_string(::geteuid());
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
        why = path + " cannot be made: " + reason(errno);
        return "";
    }
    struct stat s;
    // record_control.I1: who made a folder of that name first must not be anybody else.
    if (::lstat(path.c_str(), &s) != 0 || !S_ISDIR(s.st_mode) || s.st_uid != ::geteuid() || (s.st_mode & 077) != 0) {
        why = path + " is not this user's own folder; it is not used";
        return "";
    }
    return path;
}

controlled_process::controlled_process(std::uint32_t process) : process_(process) {
    const std::string folder = control_folder(error_);
    if (!folder.empty()) error_ = map_page(folder + "/" + std::to_string(process), process, file_, page_);
}

controlled_process::~controlled_process() {
    if (page_ != nullptr) ::munmap(page_, sizeof *page_);
    if (file_ >= 0) ::close(file_);
}

bool controlled_process::is_alive() const { return trace_system::process_start(process_) == page_->process_start; }
bool controlled_process::is_recording() const { return load(page_->order) % 2 != 0; }
bool controlled_process::has_heeded() const { return load(page_->heeded) == load(page_->order); }
int controlled_process::refusal() const { return static_cast<int>(load(page_->error)); }
std::string controlled_process::trace() const { return {page_->trace, ::strnlen(page_->trace, sizeof page_->trace)}; }

std::string controlled_process::begin(const std::string& trace, std::uint32_t stack_depth, std::uint64_t sample_mean) {
    const std::string name = "process " + std::to_string(process_);
    if (trace.empty() || trace.front() != '/' || trace.size() >= sizeof page_->trace) return trace + ": the file's name is too long";
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) return name + " is controlled by another ashlar already";
    if (is_recording()) return name + " is being recorded already, into " + this->trace();
    if (!has_heeded()) return name + " has not yet ended its last recording: it has allocated nothing since";
    std::memcpy(page_->trace, trace.c_str(), trace.size() + 1);
    page_->stack_depth = stack_depth;
    page_->sample_mean = sample_mean;
    std::atomic_ref(page_->error).store(0, std::memory_order_relaxed);
    std::atomic_ref(page_->order).fetch_add(1, std::memory_order_release);  // pairs with the acquire in the process: what is wanted
    return "";
}

void controlled_process::end() {
    std::uint32_t order = load(page_->order);  // the process may take it back at the same moment
    if (order % 2 != 0) std::atomic_ref(page_->order).compare_exchange_strong(order, order + 1, std::memory_order_acq_rel);
}

}  // namespace ashlar
