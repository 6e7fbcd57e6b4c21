// The toolkit in one header: a heap put together, counted, and given to std containers of both kinds.
#include <ashlar/ashlar.hpp>
#include <ashlar/compose/resource.hpp>
#include <memory_resource>
#include <string>
#include <vector>

using small_blocks = ashlar::pool<64, 16>;
using large_blocks = ashlar::free_list<ashlar::best_fit>;
using by_size = ashlar::segregate<ashlar::up_to<64, small_blocks>, large_blocks>;
using counted = ashlar::tracked<by_size, ashlar::live_bytes, ashlar::live_blocks>;

int main() {
    small_blocks small;
    large_blocks large;
    by_size both(small, large);
    counted heap(both);
    ashlar::resource<counted> as_pmr(heap);
    std::size_t most = 0;
    {
        std::vector<int, ashlar::std_allocator<int, counted>> numbers(heap);
        for (int i = 0; i < 1000; ++i) numbers.push_back(i);
        const std::pmr::vector<std::pmr::string> texts(10, "longer than what a string holds in itself", &as_pmr);
        most = heap.counter<ashlar::live_blocks>().value;
        if (numbers[999] != 999 || texts[9].size() != 41) return 1;
    }
    return most == 12 && heap.counter<ashlar::live_bytes>().value == 0 ? 0 : 2;
}
