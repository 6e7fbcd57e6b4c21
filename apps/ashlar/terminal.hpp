// apps/ashlar/terminal.hpp - the terminal as a full screen that is drawn again and again, and as it was afterwards.
//
// Layer:      apps/ashlar
// Complexity: linear in what is shown.
// Failure:    none: a terminal that has gone is as good as a pressed q.
// Threads:    main's thread; one at a time.
// Checked by: tests/tool/attach_test.py
#pragma once

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "text.hpp"

namespace ashlar::app {

struct screen {
    std::size_t lines = 24, columns = 80;
};

/// The terminal as a full screen, and as it was when this ends.
class terminal {
public:
    terminal() {
        tcgetattr(STDIN_FILENO, &kept_);
        termios raw = kept_;
        raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        raw.c_cc[VMIN] = 0, raw.c_cc[VTIME] = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
        put("\x1b[?1049h\x1b[?25l");  // the other screen, no cursor
    }
    terminal(const terminal&) = delete;
    terminal& operator=(const terminal&) = delete;
    ~terminal() {
        put("\x1b[?25h\x1b[?1049l");
        tcsetattr(STDIN_FILENO, TCSANOW, &kept_);
    }
    static screen size() {
        winsize w{};
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_row == 0 || w.ws_col == 0) return {};
        return {w.ws_row, w.ws_col};
    }
    static void show(const std::vector<std::string>& lines, const screen& s) {
        std::string text = "\x1b[H";
        for (std::size_t i = 0; i < std::min(lines.size(), s.lines); ++i) {
            text += (i == 0 ? "" : "\r\n") + clipped(lines[i], s.columns) + "\x1b[K";
        }
        put(text + "\x1b[J");
    }
    /// @returns a key, 0 if none came in that time or we were interrupted
    static char key(std::uint64_t wait_ns) {
        pollfd in{STDIN_FILENO, POLLIN, 0};
        if (poll(&in, 1, static_cast<int>(wait_ns / 1'000'000)) <= 0) return 0;
        char c = 0;
        return read(STDIN_FILENO, &c, 1) == 1 ? c : 'q';  // the terminal has gone
    }

private:
    static void put(const std::string& text) {
        std::fwrite(text.data(), 1, text.size(), stdout);
        std::fflush(stdout);
    }
    static std::string clipped(const std::string& line, std::size_t columns) {
        std::size_t at = 0;
        for (std::size_t shown = 0; at < line.size() && shown < columns; ++shown) at += std::max<std::size_t>(1, utf8_length(std::string_view(line).substr(at)));
        return line.substr(0, at);
    }
    termios kept_{};
};

}  // namespace ashlar::app
