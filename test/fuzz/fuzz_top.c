/* What `edgelat top` shows of a status: no character that could manipulate a terminal, and
 * nothing outside the screen. */
#include "cmd/top_model.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(const struct screen *s, int row, int column)
{
    const struct screen_cell *c = &s->cells[row][column];
    bool ascii = c->character >= ' ' && c->character < 0x7f;
    bool half = c->character == 0 && column > 0 && c[-1].character > 0x7f;
    assert(ascii || (s->utf8 && (half || c->character >= 0xa0)));
    assert(c->character < 0x202a || c->character > 0x202e);
    for (size_t i = 0; i < SCREEN_MARKS; i++)
        assert(c->marks[i] == 0 || (s->utf8 && c->marks[i] >= 0x300));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const int keys[] = {0, TOP_KEY_END, TOP_KEY_ENTER, 'k', TOP_KEY_ESCAPE, 's'};
    static struct screen screen;
    struct top *t = top_create();
    top_update(t, (const char *)bytes, len);
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        top_key(t, keys[k]);
        screen_clear(&screen, 24, 80);
        screen.utf8 = k % 2 == 0;
        top_draw(t, &screen);
        for (int row = 0; row < 24; row++)
            for (int column = 0; column < 80; column++)
                check(&screen, row, column);
    }
    top_destroy(t);
    return 0;
}
