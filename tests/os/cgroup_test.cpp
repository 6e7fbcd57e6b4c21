#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include "ashlar/os/cgroup.hpp"

namespace {

/// A hierarchy of control groups in a folder of its own.
struct hierarchy {
    hierarchy() : root(std::filesystem::temp_directory_path() / ("ashlar-cgroup-" + std::to_string(++count))) {
        std::filesystem::create_directories(root);
    }
    ~hierarchy() { std::filesystem::remove_all(root); }
    void write(const std::string& file, const std::string& text) const {
        std::filesystem::create_directories((root / file).parent_path());
        std::ofstream(root / file) << text;
    }
    std::size_t limit(const std::string& membership) const {
        write("membership", membership);
        return ashlar::os::cgroup_memory_limit((root / "membership").c_str(), root.c_str());
    }
    static inline int count = static_cast<int>(std::filesystem::file_time_type::clock::now().time_since_epoch().count() & 0xffffff);
    std::filesystem::path root;
};

}  // namespace

TEST_CASE("cgroup: the least of memory.max and memory.high of all groups around counts", "[os][cgroup]") {
    const hierarchy h;
    h.write("pod/app/memory.max", "max\n");
    CHECK(h.limit("0::/pod/app\n") == 0);
    h.write("pod/memory.max", "1073741824\n");
    CHECK(h.limit("0::/pod/app\n") == 1073741824);
    h.write("pod/app/memory.high", "536870912\n");
    CHECK(h.limit("0::/pod/app\n") == 536870912);
    CHECK(h.limit("0::/pod\n") == 1073741824);
    CHECK(h.limit("0::/\n") == 0);
}

TEST_CASE("cgroup: version 1 is read from its memory controller, and its huge numbers are none", "[os][cgroup]") {
    const hierarchy h;
    h.write("memory/job/memory.limit_in_bytes", "9223372036854771712\n");
    CHECK(h.limit("5:cpu,cpuacct:/job\n4:memory:/job\n") == 0);
    h.write("memory/memory.limit_in_bytes", "268435456\n");  // inside a container the group's own path is not there
    CHECK(h.limit("4:memory,hugetlb:/docker/0123\n0::/x\n") == 268435456);
    CHECK(h.limit("4:memoryless:/job\n") == 0);
}

TEST_CASE("cgroup: what is missing or makes no sense is no limit", "[os][cgroup]") {
    const hierarchy h;
    CHECK(ashlar::os::cgroup_memory_limit("/nowhere/at/all", h.root.c_str()) == 0);
    CHECK(h.limit("") == 0);
    CHECK(h.limit("nonsense\n:::\n0:\n") == 0);
    CHECK(h.limit("0::/" + std::string(3000, 'x') + "\n") == 0);
    h.write("memory.max", "99999999999999999999999999\n");
    CHECK(h.limit("0::/\n") == 0);
}
