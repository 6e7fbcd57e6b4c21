// See tuning.hpp.
#include "tuning.hpp"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "failure.hpp"
#include "file.hpp"
#include "installation.hpp"
#include "page.hpp"
#include "program.hpp"
#include "progress.hpp"
#include "replay_report.hpp"
#include "summary_json.hpp"
#include "table.hpp"
#include "text.hpp"
#include "traces.hpp"

namespace ashlar::app {
namespace {

namespace fs = std::filesystem;

void make_folder(const std::string& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error || !fs::is_directory(folder)) {
        throw failure(failed, fmt::format("{}: cannot be made a folder for the output: {}", folder, error ? error.message() : "it is a file"));
    }
}

std::string median_text(double median, double spread, bool bytes) {
    return bytes ? fmt::format("{} +- {}", bytes_text(median), bytes_text(spread)) : fmt::format("{} +- {}", time_text(median), time_text(spread));
}

const char* outcome_text(trial_outcome outcome) {
    switch (outcome) {
        case trial_outcome::same: return "the same";
        case trial_outcome::better: return "better";
        case trial_outcome::worse: break;
    }
    return "worse";
}

nlohmann::json metric_json(const char* name, const char* unit, const trial_metric& runs, const trial_comparison& compared, const std::string& choice) {
    return {{"name", name}, {"unit", unit}, {"better", "lower"}, {"outcome", outcome_text(compared.outcome)},
            {"runs", {{{"name", "default"}, {"values", runs.now}, {"median", compared.now_median}, {"spread", compared.now_spread}},
                      {{"name", choice}, {"values", runs.choice}, {"median", compared.choice_median}, {"spread", compared.choice_spread}}}}};
}

}  // namespace

tuning::tuning(const std::vector<std::string>& program, const tuning_options& options)
    : program_(program), options_(options), trials_(program) {
    const std::string path = find_program(program.front());
    if (const auto obstacle = preload_obstacle(path); !obstacle.empty()) {
        throw failure(failed, fmt::format("{} cannot be tuned: {}", program.front(), obstacle));
    }
    launcher();  // said now rather than after minutes if it is missing
    own_library(our_malloc);
    make_folder(options.folder);
    for (const char* file : {"report.html", "ashlar.conf"}) check_writable(in_folder(file));
    recording_options how;
    how.file = in_folder("ashlar.trace");
    recording_ = std::make_unique<recording>(program, how);
}

std::string tuning::in_folder(const char* file) const { return (fs::path(options_.folder) / file).string(); }

void tuning::run(bool quiet) {
    record(quiet);
    study(quiet);
    try_out();
    conclude();
    write();
    if (quiet) return;
    fmt::print("\nThe program itself, {} runs of each kind, alternating\n\n{}\n{}\n\nWritten: {}, {}{}\n", options_.runs, table(), verdict_,
               in_folder("report.html"), in_folder("ashlar.trace"), adopted_ ? ", " + in_folder("ashlar.conf") : "");
    if (adopted_) fmt::print("Use it: ashlar run --conf {} -- {}\n", in_folder("ashlar.conf"), printable(title_));
}

void tuning::record(bool quiet) {
    fmt::print(stderr, "ashlar: recording {}\n", printable(program_.front()));
    std::fflush(nullptr);
    recorded_ = recording_->run(quiet ? STDERR_FILENO : -1);
    if (recorded_.by_signal) {
        fmt::print(stderr, "ashlar: the program was {}; nothing is tuned\n", describe(recorded_));
        leave_like(recorded_);
    }
    fmt::print(stderr, "ashlar: {}\n", recording_->summary());
    if (!recorded_.good()) fmt::print(stderr, "ashlar: the program ended with {}; it is tuned all the same\n", describe(recorded_));
}

void tuning::study(bool quiet) {
    auto trace = open_trace(in_folder("ashlar.trace"));
    about_ = summarise(trace);
    trace_section_ = summary_json(*about_, trace.info(), trace.health());
    title_ = command_text(trace.info());
    trace.rewind();
    const replay_script script(trace, in_folder("ashlar.trace"), options_.advice.replay);
    facts_ = script.facts();
    const trial_cost unrecorded = trials_.run({});  // warms up, and says what the run costs without a recorder
    options_.advice.run_ns = unrecorded.cpu;
    {
        progress line("replaying");
        figures_ = replay_on(script, all_engines(), options_.advice.replay, [&](const std::string& engine, double share) { line.show(engine, share); });
    }
    if (!quiet) fmt::print("\nReplay of the trace\n\n{}\n", replay_table(figures_));
    progress line("advising");
    advice_ = advise({*about_, script, title_, in_folder("ashlar.trace")}, options_.advice, [&](const std::string& what, double share) { line.show(what, share); });
    if (quiet) return;
    fmt::print("{}\n\n{}\n", advice_.verdict, advice_table(advice_));
    for (const auto& sentence : advice_.sentences) fmt::print("{}\n    {}\n", sentence.text, sentence.evidence);
}

void tuning::try_out() {
    // Where the advice is to keep what there is, our malloc as it is shows whether that holds for the program too.
    tried_ = advice_.keeps_own() ? 1 : advice_.choice;
    trial_malloc choice{own_library(our_malloc), ""};
    if (!advice_.conf.empty()) {
        const std::string file = in_folder("ashlar.conf");
        write_file(file, advice_.conf);
        choice.conf_file = fs::absolute(file).string();
    }
    progress line("running the program");
    trials_.alternate(choice, options_.runs, [&](unsigned round) { line.show(fmt::format("round {} of {}", round + 1, options_.runs), round / static_cast<double>(options_.runs)); });
}

std::string tuning::differing_endings() const {
    for (const auto& how : trials_.endings) {
        if (!(how == recorded_)) return describe(how);
    }
    return "";
}

void tuning::conclude() {
    result_ = judge(options_.advice.goal, trials_.wall, trials_.cpu, trials_.memory);
    const std::string& name = advice_.candidates[tried_].name;
    const auto figures = [&] {
        const auto one = [](const char* what, const trial_comparison& c) {
            return fmt::format("{} {:.3f}x{}", what, c.ratio(), c.outcome == trial_outcome::same ? " (within the spread)" : "");
        };
        return one("wall time", result_.wall) + ", " + one("processor time", result_.cpu) + ", " + one("peak memory", result_.memory);
    };
    if (const auto other = differing_endings(); !other.empty()) {
        verdict_ = fmt::format("Keep the default: the program does not end the same way every time ({}, then {}), so its runs cannot be compared.", describe(recorded_), other);
    } else if (result_.adopt) {  // tuning.I1
        adopted_ = true;
        verdict_ = fmt::format("Use {}: {} of the default's.", name, figures());
    } else {
        verdict_ = fmt::format("Keep the default: under {} nothing is gained for the goal \"{}\" beyond the spread of the runs ({}).", name, ashlar::name(options_.advice.goal), figures());
    }
}

std::string tuning::table() const {
    app::table rows({"", ">default", ">" + advice_.candidates[tried_].name, ">ratio", ""});
    const auto row = [&](const char* what, const trial_comparison& c, bool bytes) {
        rows.row({what, median_text(c.now_median, c.now_spread, bytes), median_text(c.choice_median, c.choice_spread, bytes), fmt::format("{:.3f}x", c.ratio()), outcome_text(c.outcome)});
    };
    row("wall time", result_.wall, false);
    row("processor time", result_.cpu, false);
    row("peak memory", result_.memory, true);
    return rows.text();
}

nlohmann::json tuning::trial_section() const {
    const std::string& name = advice_.candidates[tried_].name;
    return {{"verdict", verdict_}, {"adopted", adopted_}, {"choice", name}, {"runs", options_.runs}, {"goal", ashlar::name(options_.advice.goal)},
            {"metrics", {metric_json("wall time", "ns", trials_.wall, result_.wall, name), metric_json("processor time", "ns", trials_.cpu, result_.cpu, name),
                         metric_json("peak memory", "bytes", trials_.memory, result_.memory, name)}},
            {"note", fmt::format("{} runs of each kind, alternating, after one to warm up; medians and their median absolute deviation. A difference counts beyond twice the "
                                 "greater deviation and 1 %. Peak memory is the greatest resident size of the process or of one of its children.", options_.runs)}};
}

nlohmann::json tuning::json() const {
    return {{"ashlar_page", 1}, {"ashlar", ASHLAR_VERSION}, {"title", title_}, {"advice", advice_json(advice_)}, {"tune", trial_section()},
            {"replay", replay_json(facts_, figures_, options_.advice.replay, advice_.keeps_own() ? "system" : "ashlar")}, {"trace", trace_section_}};
}

void tuning::write() {
    if (adopted_) {
        if (advice_.conf.empty()) advice_.conf = fmt::format("# Ashlar's malloc with its defaults was better than the program's own malloc for: {}\nversion = 1\n", printable(title_));
        write_file(in_folder("ashlar.conf"), advice_.conf);
    } else {
        std::error_code ignored;
        fs::remove(in_folder("ashlar.conf"), ignored);  // one that was not adopted, or an older one, would mislead
    }
    write_page(in_folder("report.html"), json());
}

}  // namespace ashlar::app
