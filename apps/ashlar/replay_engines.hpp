// apps/ashlar/replay_engines.hpp - what a trace can be replayed on: our strategies, our malloc, and the peers found here.
//
// Layer:      apps/ashlar
// Complexity: a file lookup for each peer.
// Failure:    a peer that is not installed is not in the list; asking for it by name throws app::failure.
// Threads:    main's thread.
// Checked by: tests/tool/replay_test.py
#pragma once

#include <string>
#include <vector>

namespace ashlar::app {

struct replay_engine {
    std::string name;
    std::string group;    ///< "strategy", "ashlar" or "peer"; "sites": ours, by steps that are marked with routes
    std::string library;  ///< preloaded into the worker; "" for none
    std::string conf;     ///< for our malloc: the text of a conf; "" for its defaults
};

/// The replay without an allocator: its time is subtracted from the others'.
replay_engine null_engine();

/// The malloc that a program has when nothing is preloaded; it is one of the strategies.
replay_engine host_engine();

/// Our malloc under the given conf.
replay_engine ashlar_engine(const std::string& name, const std::string& conf);

/// The other mallocs that are installed here.
std::vector<replay_engine> installed_peers();

/// Every engine that can run here, ours first.
std::vector<replay_engine> all_engines();

/// Those named in a comma-separated list; all for "".
std::vector<replay_engine> chosen_engines(const std::string& list);

}  // namespace ashlar::app
