#include "ashlar/observe/record_control.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "../../src/observe/trace_system.hpp"
#include "trace_support.hpp"

using namespace ashlar;

namespace {

/// A page as the recorder makes it, of this very process.
class own_page {
public:
    own_page() {
        std::string why;
        path_ = control_folder(why) + "/" + std::to_string(::getpid());
        REQUIRE(why == "");
        page_.magic = control_page::expected_magic;
        page_.version = control_page::expected_version;
        page_.process = static_cast<std::uint32_t>(::getpid());
        page_.process_start = trace_system::process_start();
        page_.order = page_.heeded = 2;
        write();
    }
    ~own_page() { ::unlink(path_.c_str()); }
    void write() const { std::ofstream(path_, std::ios::binary).write(reinterpret_cast<const char*>(&page_), sizeof page_); }
    control_page read() const {
        control_page p;
        std::ifstream(path_, std::ios::binary).read(reinterpret_cast<char*>(&p), sizeof p);
        return p;
    }
    control_page page_;

private:
    std::string path_;
};

const auto self = static_cast<std::uint32_t>(::getpid());

}  // namespace

TEST_CASE("record_control: an order is written whole before it is counted, and taken back by its end", "[observe][record_control]") {
    const own_page own;
    controlled_process p(self);
    REQUIRE(p.error() == "");
    CHECK(p.is_alive());
    CHECK_FALSE(p.is_recording());
    REQUIRE(p.begin("/x/t.trace", 16, 512'000) == "");
    const control_page asked = own.read();
    CHECK(asked.order == 3);
    CHECK(std::string(asked.trace) == "/x/t.trace");
    CHECK(asked.stack_depth == 16);
    CHECK(asked.sample_mean == 512'000);
    CHECK_FALSE(p.has_heeded());
    p.end();
    CHECK(own.read().order == 4);
    p.end();
    CHECK(own.read().order == 4);  // nothing to end
}

TEST_CASE("record_control: two that would control one process do not meet", "[observe][record_control]") {
    const own_page own;
    controlled_process one(self), two(self);
    REQUIRE(one.begin("/x/one", 0, 0) == "");
    CHECK_THAT(two.begin("/x/two", 0, 0), Catch::Contains("is controlled by another ashlar already"));
    CHECK_THAT(one.begin("/x/again", 0, 0), Catch::Contains("is being recorded already, into /x/one"));
    one.end();
    CHECK_THAT(one.begin("/x/again", 0, 0), Catch::Contains("has not yet ended its last recording"));
    CHECK(one.begin(std::string(5000, 'x'), 0, 0) != "");
}

TEST_CASE("record_control: a page of an earlier process, of another version or cut short is refused", "[observe][record_control]") {
    own_page own;
    SECTION("of an earlier process of that number") {
        own.page_.process_start -= 1;
        own.write();
        CHECK_THAT(controlled_process(self).error(), Catch::EndsWith("was not started by ashlar record"));
    }
    SECTION("of another version") {
        own.page_.version = 2;
        own.write();
        CHECK_THAT(controlled_process(self).error(), Catch::Contains("this version knows"));
    }
    SECTION("not ready") {
        own.page_.magic = 0;
        own.write();
        CHECK(controlled_process(self).error() != "");
    }
    SECTION("none") { CHECK_THAT(controlled_process(1).error(), Catch::Contains("was not started by ashlar record")); }
}

TEST_CASE("record_control: the folder is its user's alone", "[observe][record_control]") {
    std::string why;
    const std::string folder = control_folder(why);
    REQUIRE(why == "");
    struct stat s;
    REQUIRE(::stat(folder.c_str(), &s) == 0);
    CHECK((s.st_mode & 0777) == 0700);
    CHECK(s.st_uid == ::geteuid());
}
