// See tuning.hpp.
#include "tuning.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "advice_text.hpp"
#include "failure.hpp"
#include "file.hpp"
#include "installation.hpp"
#include "page.hpp"
#include "program.hpp"
#include "progress.hpp"
#include "replay_report.hpp"
#include "summary_json.hpp"
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

std::vector<std::string> with_input(std::vector<std::string> program, const std::string& input) {
    for (auto& word : program) {
        if (const auto at = word.find("{}"); !input.empty() && at != std::string::npos) word.replace(at, 2, input);
    }
    return program;
}

}  // namespace

tuning::tuning(const std::vector<std::string>& program, const tuning_options& options)
    : trained_(with_input(program, options.train)), tested_(with_input(program, options.test)), options_(options), trials_(tested_) {
    const std::string path = find_program(program.front());
    if (const auto obstacle = preload_obstacle(path); !obstacle.empty()) {
        throw failure(failed, fmt::format("{} cannot be tuned: {}", program.front(), obstacle));
    }
    if (!options.train.empty() && trained_ == program) throw failure(wrong_use, "--train and --test stand for {} in the program's words, and there is none");
    launcher();  // said now rather than after minutes if it is missing
    own_library(our_malloc);
    chosen_engines(options.engines);
    make_folder(options.folder);
    for (const char* file : {"report.html", "ashlar.conf"}) check_writable(in_folder(file));
    recording_options how;
    how.file = in_folder("ashlar.trace");
    how.stacks = 8;  // for rules about call sites
    recording_ = std::make_unique<recording>(trained_, how);
}

std::string tuning::in_folder(const char* file) const { return (fs::path(options_.folder) / file).string(); }

void tuning::run(bool quiet) {
    record(quiet);
    study(quiet);
    try_out();
    conclude();
    write();
    if (quiet) return;
    fmt::print("\nThe program itself, {} runs of each kind, alternating\n\n{}\n{}\n", options_.runs, verdict_table(kinds_, verdict_), verdict_.text);
    if (!verdict_.against_others.empty()) fmt::print("{}\n", verdict_.against_others);
    fmt::print("\nWritten: {}, {}{}\n",
               in_folder("report.html"), in_folder("ashlar.trace"), advice_.conf.empty() ? "" : ", " + in_folder("ashlar.conf"));
    if (!verdict_.adopted) return;
    const auto& choice = advice_.candidates[tried_[verdict_.choice]];
    if (advice_.takes_ours()) fmt::print("Use it: ashlar run --conf {} -- {}\n", in_folder("ashlar.conf"), printable(title_));
    else fmt::print("Use it: LD_PRELOAD={} {}\n", choice.library, printable(title_));
}

void tuning::record(bool quiet) {
    fmt::print(stderr, "ashlar: recording {}\n", printable(trained_.front()));
    std::fflush(nullptr);
    recorded_ = recording_->run(quiet ? STDERR_FILENO : -1);
    if (recorded_.by_signal) {
        fmt::print(stderr, "ashlar: the program was {}; nothing is tuned\n", describe(recorded_));
        leave_like(recorded_);
    }
    fmt::print(stderr, "ashlar: {}\n", recording_->summary().text);
    if (!recorded_.good()) fmt::print(stderr, "ashlar: the program ended with {}; it is tuned all the same\n", describe(recorded_));
}

void tuning::study(bool quiet) {
    auto trace = open_trace(in_folder("ashlar.trace"));
    about_ = summarise(trace);
    trace_section_ = summary_json(*about_, trace.info(), trace.health());
    title_ = command_text(trace.info());
    trace.rewind();
    options_.advice.replay = as_threads_ran(options_.advice.replay, *about_);
    const replay_script script(trace, in_folder("ashlar.trace"), options_.advice.replay);
    const trial_cost unrecorded = trials(trained_).run({});  // warms up, and says what the run costs without a recorder
    options_.advice.run_ns = unrecorded.cpu;
    options_.advice.run_bytes = unrecorded.peak_memory;
    auto how = options_.advice.replay;
    how.placement = true;
    std::vector<replay_figures> figures;
    {
        progress line("replaying");
        figures = replay_on(script, chosen_engines(options_.engines), how, [&](const std::string& engine, double share) { line.show(engine, share); });
    }
    if (!quiet) fmt::print("\nReplay of the trace\n\n{}\n", replay_table(figures));
    replay_section_ = replay_json(script.facts(), figures, how, "");
    add_fragmentation(replay_section_, figures, script.facts(), script.packing());
    progress line("advising");
    advice_ = advise({*about_, script, title_, in_folder("ashlar.trace")}, options_.advice, [&](const std::string& what, double share) { line.show(what, share); });
    if (quiet) return;
    fmt::print("{}\n\n{}\n", advice_.verdict, advice_table(advice_));
    for (const auto& sentence : advice_.sentences) fmt::print("{}\n    {}\n", sentence.text, sentence.evidence);
}

/// The default, then what is expected to be best; our malloc as it is shows whether an advice to keep the default holds.
std::vector<std::size_t> tuning::candidates_to_run() const {
    std::vector<std::size_t> rest;
    for (std::size_t i = 1; i < advice_.candidates.size(); ++i) {
        if (advice_.candidates[i].figures.refused.empty()) rest.push_back(i);
    }
    const auto wanted = [&](std::size_t i) { return std::pair{i != advice_.choice && !(i == 1 && advice_.keeps_own()), advice_.candidates[i].ratios.score}; };
    if (!options_.all) {
        std::stable_sort(rest.begin(), rest.end(), [&](std::size_t a, std::size_t b) { return wanted(a) < wanted(b); });
        rest.resize(std::min<std::size_t>(rest.size(), 2));
    }
    rest.insert(rest.begin(), 0);
    return rest;
}

void tuning::try_out() {
    tried_ = candidates_to_run();
    for (const auto number : tried_) {
        const auto& candidate = advice_.candidates[number];
        trial_kind kind{number == 0 ? "default" : candidate.name, {candidate.library, "", ""}, {}, {}, {}};
        if (!candidate.settings.empty()) {
            const std::string text = settings_text(candidate);
            confs_.emplace_back().append(std::as_bytes(std::span(text)));
            kind.under.conf_file = fmt::format("/proc/{}/fd/{}", getpid(), confs_.back().descriptor());
        }
        kinds_.push_back(std::move(kind));
    }
    // What glibc's malloc would gain by huge pages, so that their gain is not taken for ours.
    if (options_.all) kinds_.push_back({"default, huge pages", {"", "", "glibc.malloc.hugetlb=1"}, {}, {}, {}});
    progress line("running the program");
    if (trained_ != tested_) trials_.run({});
    trials_.alternate(kinds_, options_.runs, [&](unsigned round) { line.show(fmt::format("round {} of {}", round + 1, options_.runs), round / static_cast<double>(options_.runs)); });
}

std::string tuning::differing_endings() const {
    for (const auto& how : trials_.endings) {
        if (!(how == recorded_)) return describe(how);
    }
    return "";
}

void tuning::conclude() {
    std::vector<bool> ours;
    for (const auto number : tried_) ours.push_back(advice_.candidates[number].is_ours());
    ours.resize(kinds_.size());
    verdict_ = judge_kinds(options_.advice.goal, kinds_, ours);
    if (const auto other = differing_endings(); !other.empty()) {
        verdict_.adopted = false;
        verdict_.text = fmt::format("Keep the default: the program does not end the same way every time ({}, then {}), so its runs cannot be compared.", describe(recorded_), other);
    }
    advice_.choice = verdict_.adopted ? tried_[verdict_.choice] : 0;  // tuning.I1
    advice_.conf.clear();
    if (!verdict_.adopted || !advice_.takes_ours()) return;
    advice_.conf = fmt::format("# Measured: {}, in {} runs of each.\n", ratios_text(verdict_.results[verdict_.choice]), options_.runs) +
                   conf_text(advice_, title_, in_folder("ashlar.trace"));
}

std::string tuning::note() const {
    std::string text = fmt::format("{} runs of each kind, alternating, after one to warm up; medians and their median absolute deviation. A difference counts beyond twice the "
                                   "greater deviation and 1 %. Peak memory is the greatest resident size of the process or of one of its children.", options_.runs);
    if (trained_ != tested_) text += fmt::format(" Recorded and advised with {}; these runs are with {}.", options_.train, options_.test);
    return text;
}

nlohmann::json tuning::json() const {
    nlohmann::json trial{{"verdict", verdict_.text}, {"adopted", verdict_.adopted}, {"choice", kinds_[verdict_.choice].name}, {"runs", options_.runs},
                         {"goal", ashlar::name(options_.advice.goal)}, {"metrics", metrics_json(kinds_, verdict_)}, {"note", note()}};
    if (!verdict_.against_others.empty()) {
        trial["ours"] = kinds_[verdict_.ours].name;
        trial["against_others"] = verdict_.others;
        trial["verdict"] = verdict_.text + " " + verdict_.against_others;
    }
    auto replayed = replay_section_;
    replayed["choice"] = advice_.keeps_own() ? "system" : advice_.takes_ours() ? "ashlar" : advice_.candidates[advice_.choice].name;
    return {{"ashlar_page", 1}, {"ashlar", ASHLAR_VERSION}, {"title", title_}, {"advice", advice_json(advice_)}, {"tune", trial},
            {"replay", replayed}, {"trace", trace_section_}};
}

void tuning::write() {
    if (!advice_.conf.empty()) {
        write_file(in_folder("ashlar.conf"), advice_.conf);
    } else {
        std::error_code ignored;
        fs::remove(in_folder("ashlar.conf"), ignored);  // an older one would mislead
    }
    write_page(in_folder("report.html"), json());
}

}  // namespace ashlar::app
