// See study.hpp.
#include "study.hpp"

#include <nlohmann/json.hpp>

#include "chains.hpp"
#include "failure.hpp"
#include "layouts.hpp"
#include "sites.hpp"
#include "summary_json.hpp"
#include "text.hpp"

namespace ashlar::app {

study::study(const std::string& trace, const symbols::options* how) : reader(trace_reader::open(trace)) {
    if (!reader) throw failure(failed, printable(reader.error(), 4096));
    figures = summarise(reader);
    health = reader.health();
    if (reader.info().has_stacks) view.emplace(*figures, reader.stacks(), reader.info(), how);
}

void study::look_at_pages() {
    // What a page holds, and what shares a line, a sample cannot tell.
    if (figures->sample_mean == 0) layouts = layouts_of(reader, *figures);
}

nlohmann::json study::json() const {
    auto all = summary_json(*figures, reader.info(), health);
    if (view) add_sites(all, *view);
    add_chains(all, *figures, named());
    add_layouts(all, layouts, *figures, named());
    return all;
}

}  // namespace ashlar::app
