// ashlar/os/overflow_watch.hpp - a stack overflow is told: which thread, which stack, where, and by what calls.
//
// Layer:      os
// Source:     sigaltstack(2), sigaction(2); the test by the stack pointer is that of AddressSanitizer's runtime.
// Complexity: making one: a few system calls and 64 KiB of address space; nothing from then on.
// Failure:    watching() is false where the system refuses; an overflow then ends the process as without us.
// Threads:    one for each thread that shall be watched, made and ended by it. The handler is the process's and stays.
// Invariants: overflow_watch.I1  a signal that is no overflow passes to the handler before ours unchanged and untold
//             overflow_watch.I2  the report is made by write(2) alone: no lock of others is waited for, nothing allocated
// Checked by: tests/os/overflow_watch_test.cpp
//
//   ashlar: stack overflow in thread 4711 (worker): address 0x7f0c6c9feff8 is 8 bytes below its stack of 65536 bytes
//       #0 0x55d0c8a0118f /usr/bin/server+0x118f
//       ... 1927 calls
//       #1936 0x7f0c6d4a91f4 /lib/x86_64-linux-gnu/libc.so.6+0x891f4
//
// Then the handler that was there before is called, or what it stood for is done: SIG_DFL and SIG_IGN let the instruction fault
// again, so that the process dies where it happened. That handler runs on the alternate stack, and may leave by siglongjmp. An
// overflow of the alternate stack itself, by that handler, ends the process: the kernel does not deliver a signal that is
// being handled. A handler that the program installs later replaces ours.
//
// An overflow is a fault below the end of a stack, and not below the stack pointer: what goes wild and hits a guard by
// accident is none. A frame so large that it steps over the guard is one; if it steps into other memory, nothing can tell.
#pragma once

#include "ashlar/foundation/block.hpp"

namespace ashlar::os {

class overflow_watch {
public:
    overflow_watch() noexcept;
    ~overflow_watch();
    overflow_watch(const overflow_watch&) = delete;
    overflow_watch& operator=(const overflow_watch&) = delete;

    bool watching() const noexcept { return watching_; }

private:
    block alternate_{nullptr, 0};  ///< none where the thread had one already
    bool watching_ = false;
};

}  // namespace ashlar::os
