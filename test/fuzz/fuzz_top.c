/* What `edgelat top` shows of a status: no character that could manipulate a terminal, and
 * nothing outside the screen. */
#include "cmd/top_model.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const int keys[] = {0, TOP_KEY_END, TOP_KEY_ENTER, 'k', TOP_KEY_ESCAPE, 's'};
    static struct screen screen;
    struct top *t = top_create();
    top_update(t, (const char *)bytes, len);
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        top_key(t, keys[k]);
        screen_clear(&screen, 24, 80);
        top_draw(t, &screen);
        for (int row = 0; row < 24; row++)
            for (int column = 0; column < 80; column++)
                assert(screen.cells[row][column].character >= ' ' &&
                       screen.cells[row][column].character < 0x7f);
    }
    top_destroy(t);
    return 0;
}
