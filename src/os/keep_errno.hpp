// src/os/keep_errno.hpp - what asks the system leaves errno as it was (linux.I1).
#pragma once

#include <cerrno>

namespace ashlar::os {

class keep_errno {
public:
    keep_errno() noexcept : saved_(errno) {}
    ~keep_errno() { errno = saved_; }
    keep_errno(const keep_errno&) = delete;
    keep_errno& operator=(const keep_errno&) = delete;

private:
    int saved_;
};

}  // namespace ashlar::os
