// apps/ashlar/advisor.hpp - from a trace to advice: replay the mallocs in question, search their options, choose, explain.
//
// Layer:      apps/ashlar
// Source:     Chilimbi and others' trace-driven evaluation; the search is one change at a time, then all that helped.
// Picture:    trace -> summary, script -> replays of [the program's own, ours, ours with one option changed ...]
//             -> replays of [own, ours, ours with every change that helped] -> choose() -> sentences, conf
// Complexity: two passes over the trace, about twelve candidates of 1 + rounds replays each.
// Failure:    throws app::failure if the trace has nothing to replay; a malloc that fails is no candidate.
// Threads:    main's thread.
// Checked by: tests/tool/advise_test.py
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "ashlar/malloc/options.hpp"
#include "ashlar/observe/advice.hpp"
#include "ashlar/observe/summary.hpp"
#include "replay_run.hpp"

namespace ashlar::app {

/// A malloc that could serve the program.
struct advised_malloc {
    std::string name;          ///< "the program's own malloc", "Ashlar's malloc", "mimalloc", ...
    std::string library;       ///< what is preloaded; "" for the program's own
    std::vector<std::string> settings;  ///< of ours: lines of a conf, "key = value"; none are the defaults
    replay_figures figures{};
    advice_ratios ratios{};
    bool is_ours() const;      ///< with or without rules to obey
    bool on_front = false;     ///< of the candidates: none is as good in time, memory and tail and better in one of them
};

/// Its settings as a conf without comments.
std::string settings_text(const advised_malloc& candidate);

struct advice_sentence {
    std::string text;
    std::string evidence;
};

struct advice {
    advice_goal goal = advice_goal::balanced;
    std::string verdict;
    std::vector<advice_sentence> sentences;
    std::vector<advised_malloc> candidates;  ///< the program's own, ours, what the search found if it is better, the peers
    std::size_t choice = 0;                  ///< among them
    std::vector<advised_malloc> tried;       ///< ours with one option changed, against ours
    double malloc_share = 0;
    std::string conf;                        ///< the text of ashlar.conf; "" where ours is not the choice

    bool of_program = false;                 ///< ratios of memory are those of the whole program, not of its heap

    bool keeps_own() const { return choice == 0; }
    bool takes_ours() const;
};

/// Threads that were recorded are replayed as threads: what they cost one another decides.
replay_options as_threads_ran(replay_options options, const summary& about);

struct advice_settings {
    advice_goal goal = advice_goal::balanced;
    replay_options replay;
    double run_ns = 0;     ///< processor time of an unrecorded run; 0: take the duration of the recorded one
    double run_bytes = 0;  ///< its peak resident memory; 0: not known
};

/// What advice is made from. The script may be replayed further.
struct advice_input {
    const summary& about;
    const replay_script& script;
    std::string program;  ///< its command line
    std::string trace;    ///< the file
};

advice advise(const advice_input& input, const advice_settings& settings, const replay_progress& progress);

/// The "advice" section of a page, and with more keys what --json prints.
nlohmann::json advice_json(const advice& made);

/// The candidates as a table.
std::string advice_table(const advice& made);

}  // namespace ashlar::app
