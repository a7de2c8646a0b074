/* What lies in the state folder as the paths of the last run: what is accepted is written
 * and read again as the same. */
#include "edge/path_watch.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct catalogue nothing;
    static const struct target teams = {.name = "teams"}, exchange = {.name = "exchange"};
    static const struct target *const targets[] = {&teams, &exchange};
    static const struct site site = {.metros = &nothing};
    struct path_watch *one = path_watch_create(&site), *two = path_watch_create(&site);
    struct text first = {0}, second = {0};
    bool same;
    size_t line = path_watch_read(one, targets, 2, 7, (const char *)bytes, len, &same);
    assert(line <= len + 1);
    if (line == 0 && same) {
        path_watch_write(one, 7, &first);
        assert(path_watch_read(two, targets, 2, 7, text_string(&first), first.len,
                               &same) == 0);
        path_watch_write(two, 7, &second);
        assert(strcmp(text_string(&first), text_string(&second)) == 0);
    }
    path_watch_destroy(one);
    path_watch_destroy(two);
    text_free(&first);
    text_free(&second);
    return 0;
}
