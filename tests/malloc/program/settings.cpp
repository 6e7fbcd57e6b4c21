// Settings and figures by name while the program runs: what may change does, and each error is the right one.
#include <stdlib.h>
#include <string.h>

#include "ashlar/malloc/control.hpp"
#include "expect.hpp"

namespace {

using ashlar::malloc::setting_error;
namespace keys = ashlar::malloc::keys;

uint64_t dirty() { return ashlar::malloc::figure("dirty_bytes").value; }

void what_is_set_is_done_at_once() {
    EXPECT(keys::purge_delay_ms.set(-1) == setting_error::none);
    void* volatile big = malloc(20 << 20);
    memset(big, 1, 20 << 20);
    free(big);
    EXPECT(dirty() >= 20 << 20);  // in the cache of large blocks
    EXPECT(keys::large_cache_bytes.set(1 << 20) == setting_error::none);
    EXPECT(ashlar::malloc::figure("cached_bytes").value <= 1 << 20);
    void* blocks[20];
    for (void*& p : blocks) memset(p = malloc(500'000), 1, 500'000);
    for (void* p : blocks) free(p);
    EXPECT(dirty() >= 8 << 20);
    EXPECT(keys::retain_bytes.set(4 << 20) == setting_error::none);
    EXPECT(dirty() <= 4 << 20);
    EXPECT(ashlar_setting_set_text("purge_delay_ms", "0") == ashlar_setting_ok);
    EXPECT(dirty() == 0);
}

void numbers_and_words_are_told_apart() {
    int64_t number = 7;
    char text[32];
    EXPECT(ashlar_setting_get("thp", &number) == ashlar_setting_wrong_type && number == 7);
    EXPECT(ashlar_setting_get_text("thp", text, sizeof text) == ashlar_setting_ok && strcmp(text, "auto") == 0);
    EXPECT(ashlar_setting_set("page_extend", 1) == ashlar_setting_wrong_type);
    EXPECT(ashlar_setting_set_text("page_extend", " fast ") == ashlar_setting_ok);
    EXPECT(keys::page_extend.get().value == ashlar::malloc::extend_policy::fast);
    EXPECT(keys::page_extend.set(ashlar::malloc::extend_policy::compact) == setting_error::none);
    EXPECT(ashlar_setting_get_text("page_extend", text, sizeof text) == ashlar_setting_ok && strcmp(text, "compact") == 0);
    EXPECT(ashlar_setting_set_text("retain_bytes", "3 MiB") == ashlar_setting_ok);
    EXPECT(keys::retain_bytes.get().value == 3 << 20);
    EXPECT(ashlar_setting_set_text("retain_bytes", "much") == ashlar_setting_wrong_type);
}

void what_cannot_be_is_refused() {
    int64_t number = 0;
    char text[4];
    EXPECT(ashlar_setting_get("no_such_key", &number) == ashlar_setting_unknown);
    EXPECT(ashlar_setting_get("stats.no_such_figure", &number) == ashlar_setting_unknown);
    EXPECT(ashlar_setting_set("stats.live_bytes", 1) == ashlar_setting_unknown);
    EXPECT(ashlar_setting_set("purge_delay_ms", -2) == ashlar_setting_out_of_range);
    EXPECT(ashlar_setting_set_text("thp", "never") == ashlar_setting_fixed);
    EXPECT(keys::thp.set(ashlar::malloc::thp_policy::never) == setting_error::fixed);
    EXPECT(keys::thp.get().value == ashlar::malloc::thp_policy::automatic);
    EXPECT(ashlar_setting_get_text("large_cache_bytes", text, sizeof text) == ashlar_setting_out_of_range);
    EXPECT(strlen(text) == 3);
    EXPECT(strcmp(ashlar_setting_explain(ashlar_setting_unknown), "no such key") == 0);
    EXPECT(ashlar::malloc::figure("a name that is much longer than any name of a figure can ever be, surely").error ==
           setting_error::unknown);
}

void all_names_can_be_listed_and_read() {
    size_t n = 0;
    int changeable = 0, some = 0;
    const char* meaning = nullptr;
    for (; const char* name = ashlar_setting_name(n, &meaning, &changeable); ++n) {
        char text[32];
        EXPECT(ashlar_setting_get_text(name, text, sizeof text) == ashlar_setting_ok);
        const ashlar_setting_error same = ashlar_setting_set_text(name, text);
        EXPECT(same == (changeable ? ashlar_setting_ok : ashlar_setting_fixed));
        EXPECT(*meaning != 0);
        some += changeable;
    }
    EXPECT(n >= 7 && some >= 4 && ashlar_setting_name(n + 1, nullptr, nullptr) == nullptr);
}

}  // namespace

int main() {
    what_is_set_is_done_at_once();
    numbers_and_words_are_told_apart();
    what_cannot_be_is_refused();
    all_names_can_be_listed_and_read();
}
