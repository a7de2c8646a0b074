#define _XOPEN_SOURCE_EXTENDED 1 /* wide characters of ncurses */
#include "cmd/terminal.h"

#include "base/mem.h"
#include "cmd/top_model.h"
#include "net/poll.h"

#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>

#undef columns /* of <term.h> */

struct terminal {
    SCREEN *screen;
    uv_signal_t resized;
    struct poll *keys;
    bool utf8, coloured;
    terminal_cb *on_key;
    void *user;
};

bool terminal_usable(struct text *why)
{
    const char *name = getenv("TERM");
    int found = 0;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        text_add(why, "standard input and output are not a terminal");
        return false;
    }
    char *cup = NULL;
    if (name != NULL && setupterm(name, STDOUT_FILENO, &found) == OK)
        cup = tigetstr("cup");
    if (cup == NULL || cup == (char *)-1) {
        text_add(why, "the terminal cannot move its cursor (TERM is '%s')",
                 name != NULL ? name : "");
        return false;
    }
    return true;
}

static int key_of(int key)
{
    static const struct {
        int from, to;
    } keys[] = {
        {KEY_UP, TOP_KEY_UP},         {KEY_DOWN, TOP_KEY_DOWN},
        {KEY_PPAGE, TOP_KEY_PAGE_UP}, {KEY_NPAGE, TOP_KEY_PAGE_DOWN},
        {KEY_HOME, TOP_KEY_HOME},     {KEY_END, TOP_KEY_END},
        {KEY_ENTER, TOP_KEY_ENTER},   {'\n', TOP_KEY_ENTER},
        {'\r', TOP_KEY_ENTER},        {27, TOP_KEY_ESCAPE},
        {KEY_LEFT, TOP_KEY_ESCAPE},   {KEY_RIGHT, TOP_KEY_ENTER},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].from == key)
            return keys[i].to;
    return key < 256 ? key : 0;
}

static void on_readable(struct poll *poll, bool readable, bool writable, void *user)
{
    struct terminal *t = user;
    int key;
    (void)poll, (void)readable, (void)writable;
    /* on_key may close the terminal */
    for (int n = 0; n < 64 && t->keys != NULL && (key = getch()) != ERR; n++)
        if (key_of(key) != 0)
            t->on_key(key_of(key), t->user);
}

/* ncurses installs its own handler unless there is one: start this before newterm(). */
static void on_resized(uv_signal_t *signal, int number)
{
    struct terminal *t = signal->data;
    struct winsize size;
    (void)number;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
        resizeterm(size.ws_row, size.ws_col);
    clearok(curscr, TRUE);
    t->on_key(0, t->user);
}

static void begin_colours(struct terminal *t)
{
    const char *no = getenv("NO_COLOR");
    t->coloured = has_colors() && (no == NULL || no[0] == '\0') && start_color() == OK;
    if (!t->coloured)
        return;
    short background = use_default_colors() == OK ? -1 : COLOR_BLACK;
    init_pair(STYLE_GOOD, COLOR_GREEN, background);
    init_pair(STYLE_WARN, COLOR_YELLOW, background);
    init_pair(STYLE_BAD, COLOR_RED, background);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct terminal *terminal_open(uv_loop_t *loop, terminal_cb *on_key, void *user)
{
    struct terminal *t = mem_zalloc(sizeof *t);
    t->on_key = on_key;
    t->user = user;
    setlocale(LC_CTYPE, "");
    t->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    uv_signal_init(loop, &t->resized);
    t->resized.data = t;
    uv_signal_start(&t->resized, on_resized, SIGWINCH);
    t->screen = newterm(NULL, stdout, stdin);
    if (t->screen != NULL)
        t->keys = poll_open(loop, STDIN_FILENO, on_readable, t);
    if (t->keys == NULL) {
        terminal_close(t);
        return NULL;
    }
    set_escdelay(50);
    cbreak();
    noecho();
    nodelay(stdscr, TRUE);
    keypad(stdscr, TRUE);
    curs_set(0);
    begin_colours(t);
    poll_want(t->keys, true, false);
    return t;
}

void terminal_clear(const struct terminal *t, struct screen *s)
{
    int rows, columns;
    getmaxyx(stdscr, rows, columns);
    screen_clear(s, rows, columns);
    s->utf8 = t->utf8;
}

static attr_t attributes(const struct terminal *t, enum style style)
{
    switch (style) {
    case STYLE_BOLD:
        return A_BOLD;
    case STYLE_BAR:
        return A_REVERSE;
    case STYLE_GOOD:
    case STYLE_WARN:
    case STYLE_BAD:
        return t->coloured           ? (attr_t)COLOR_PAIR(style)
               : style == STYLE_GOOD ? A_NORMAL
                                     : A_BOLD;
    default:
        return A_NORMAL;
    }
}

void terminal_show(struct terminal *t, const struct screen *s)
{
    erase();
    for (int row = 0; row < s->rows; row++)
        for (int column = 0; column < s->columns; column++) {
            const struct screen_cell *c = &s->cells[row][column];
            if (c->character == 0)
                continue; /* the wide character before it takes this column */
            attrset(attributes(t, (enum style)c->style) | (c->selected ? A_REVERSE : 0));
            const wchar_t text[] = {(wchar_t)c->character, (wchar_t)c->marks[0],
                                    (wchar_t)c->marks[1], L'\0'};
            mvaddwstr(row, column, text);
        }
    refresh();
}

void terminal_close(struct terminal *t)
{
    if (t == NULL)
        return;
    poll_close(t->keys);
    t->keys = NULL;
    if (t->screen != NULL) {
        endwin();
        delscreen(t->screen);
    }
    uv_close((uv_handle_t *)&t->resized, on_closed);
}
