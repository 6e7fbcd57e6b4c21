#include "ashlar/realtime/latency_report.hpp"

#include <catch2/catch.hpp>

TEST_CASE("latency_report: the text names the percentiles and draws a bar a doubling", "[realtime][latency_report]") {
    ashlar::latency_histogram h;
    for (int i = 0; i < 1000; ++i) h.record(40);
    h.record(5000);
    const std::string text = ashlar::latency_text(h, "ns");
    CHECK(text.find("1001 recorded, in ns: p50 40, p90 40, p99 40, p99.9 40, p99.99 5119, max 5119\n") == 0);
    CHECK(text.find("        32 ##") != std::string::npos);
    CHECK(text.find("      4096 # 1\n") != std::string::npos);
    CHECK(ashlar::latency_text(ashlar::latency_histogram(), "ns").find("0 recorded") == 0);
}

TEST_CASE("latency_report: the drawing is a document of one line through all buckets", "[realtime][latency_report]") {
    ashlar::latency_histogram h;
    for (std::uint64_t i = 1; i < 1000; ++i) h.record(i * i);
    const std::string svg = ashlar::latency_plot(h, "allocate", "ticks");
    CHECK(svg.find("<svg ") == 0);
    CHECK(svg.find("99.9%") != std::string::npos);
    CHECK(svg.find("</svg>") != std::string::npos);
    CHECK(svg.find("nan") == std::string::npos);
}
