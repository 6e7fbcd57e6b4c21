// ashlar/src/os/pi_mutex.cpp - a POSIX mutex with the protocol of inheritance.
//
// Layer:      os
// Complexity: that of the C library's mutex.
// Failure:    without the protocol, a plain mutex.
// Threads:    any.
// Checked by: tests/os/pi_mutex_test.cpp
#include "ashlar/os/pi_mutex.hpp"

#include <pthread.h>

#include <new>

namespace ashlar::os {
namespace {
pthread_mutex_t& of(std::byte* bytes) noexcept { return *std::launder(reinterpret_cast<pthread_mutex_t*>(bytes)); }
}  // namespace

pi_mutex::pi_mutex() noexcept {
    static_assert(sizeof(pthread_mutex_t) <= sizeof mutex_ && alignof(pthread_mutex_t) <= 8);
    auto* const made = ::new (mutex_) pthread_mutex_t;
    pthread_mutexattr_t how;
    pthread_mutexattr_init(&how);
    inherits_ = pthread_mutexattr_setprotocol(&how, PTHREAD_PRIO_INHERIT) == 0 && pthread_mutex_init(made, &how) == 0;
    if (!inherits_) pthread_mutex_init(made, nullptr);
    pthread_mutexattr_destroy(&how);
}
pi_mutex::~pi_mutex() { pthread_mutex_destroy(&of(mutex_)); }
void pi_mutex::lock() noexcept { pthread_mutex_lock(&of(mutex_)); }
void pi_mutex::unlock() noexcept { pthread_mutex_unlock(&of(mutex_)); }
bool pi_mutex::try_lock() noexcept { return pthread_mutex_trylock(&of(mutex_)) == 0; }

}  // namespace ashlar::os
