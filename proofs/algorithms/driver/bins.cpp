// Random traces of tlsf's index, for the oracle:
//   T                      1152 empty lists
//   K grains class         class_of, of a size in granules of 16 bytes
//   N need align sought    searched_for, all in granules
//   P list block           push           M list block   remove
//   Q list found head      first_from, and the first block of the list found; -1 where there is none
#include <vector>

#include "ashlar/strategy/free_bins.hpp"
#include "ashlar/strategy/tlsf.hpp"
#include "trace.hpp"

using namespace ashlar;
using namespace proofs;

namespace {

constexpr std::size_t lists = 36 * 32, blocks = 48;
alignas(16) std::byte room[blocks * 16];

std::size_t any_grains(numbers& n) {
    const std::size_t power = std::size_t{1} << n.below(39);
    return n.once_in(3) ? power + (n.once_in(2) ? 0 : power > 1 ? -std::size_t{1} : 1) : power + n.below(power);
}

void trace(numbers& n) {
    line{'T'};
    free_bins<lists> bins;
    std::size_t list_of[blocks];
    std::vector<std::size_t> in, out;
    for (std::size_t b = 0; b != blocks; ++b) out.push_back(b);
    const std::size_t spread = n.once_in(2) ? lists : 1 + n.below(130);
    const auto block_at = [](std::size_t b) { return reinterpret_cast<free_block*>(room + b * 16); };
    for (std::size_t act = 0; act != 40; ++act) {
        const std::size_t grains = any_grains(n), align = std::size_t{1} << (n.once_in(2) ? n.below(12) : 0);
        if (act % 4 == 0) line{'K'} << grains << tlsf::class_of(grains * 16);
        if (act % 4 == 1) line{'N'} << grains << align << tlsf::searched_for(grains * 16, align * 16) / 16;
        std::vector<std::size_t>& from = in.empty() || (n.below(100) < 55 && !out.empty()) ? out : in;
        const std::size_t i = n.below(from.size()), b = from[i];
        from[i] = from.back();
        from.pop_back();
        if (&from == &out) {
            list_of[b] = n.once_in(8) ? lists - 1 - n.below(70) : n.below(spread);
            line{'P'} << list_of[b] << b;
            bins.push(list_of[b], *::new (room + b * 16) free_block(16));
            in.push_back(b);
        } else {
            line{'M'} << list_of[b] << b;
            bins.remove(list_of[b], *block_at(b));
            out.push_back(b);
        }
        for (std::size_t look = 0; look != 2; ++look) {
            const std::size_t list = look == 0 ? list_of[b] : n.below(n.once_in(2) ? spread : lists), found = bins.first_from(list);
            const free_block* const head = found < lists ? bins.head(found) : nullptr;
            line{'Q'} << list << found << (head == nullptr ? -1 : (reinterpret_cast<const std::byte*>(head) - room) / 16);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const wanted w(argc, argv);
    numbers n(w.seed);
    for (std::size_t i = 0; i != w.traces; ++i) trace(n);
    line{'E'};
}
