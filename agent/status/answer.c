#include "status/answer.h"

#include <string.h>

#define MAGIC "edgelat status "

enum { VERSION = 2, NUMBERS = 4, HEAD_MAX = 80 };

/* Foreign names may be invalid UTF-8, and a text that was cut may end within a character.
 * answer_read() would refuse the whole answer. */
static void replace_invalid(char *bytes, size_t len)
{
    bool safe;
    for (size_t at = 0, n; at < len; at += n) {
        n = text_next(bytes + at, len - at, &safe);
        if (!safe && bytes[at] != '\n' && bytes[at] != '\t')
            memset(bytes + at, '?', n);
    }
}

void answer_write(struct text *out, int code, const struct text *json,
                  const struct text *text)
{
    text_add(out, MAGIC "%d %d %zu %zu\n", VERSION, code, json->len, text->len);
    text_add_bytes(out, json->bytes, json->len);
    text_add_bytes(out, text->bytes, text->len);
    replace_invalid(out->bytes, out->len);
}

/* Parses the first line. Returns its length, or 0 when it is malformed. */
static size_t read_head(int64_t numbers[NUMBERS], const char *bytes, size_t len)
{
    char line[HEAD_MAX], *at = line + strlen(MAGIC);
    const char *end = memchr(bytes, '\n', len < HEAD_MAX ? len : HEAD_MAX);
    size_t line_len = end != NULL ? (size_t)(end - bytes) : 0;
    if (line_len < strlen(MAGIC) || memcmp(bytes, MAGIC, strlen(MAGIC)) != 0)
        return 0;
    memcpy(line, bytes, line_len);
    line[line_len] = '\0';
    for (size_t i = 0; i < NUMBERS; i++) {
        const char *word = strsep(&at, " ");
        if (word == NULL || !text_to_integer(word, 0, ANSWER_MAX, &numbers[i]))
            return 0;
    }
    return at == NULL ? line_len + 1 : 0;
}

static bool is_text(const char *bytes, size_t len)
{
    while (len > 0) {
        const char *end = memchr(bytes, '\n', len);
        if (end == NULL || text_wrong(bytes, (size_t)(end - bytes)) != NULL)
            return false;
        len -= (size_t)(end - bytes) + 1;
        bytes = end + 1;
    }
    return true;
}

bool answer_read(struct status_answer *out, const char *bytes, size_t len)
{
    int64_t numbers[NUMBERS]; /* version, code, lengths */
    size_t head = len > 0 ? read_head(numbers, bytes, len) : 0;
    if (head == 0 || numbers[0] < 1 || numbers[0] > VERSION || numbers[1] > 1 ||
        len - head != (size_t)numbers[2] + (size_t)numbers[3])
        return false;
    *out = (struct status_answer){
        .code = (int)numbers[1],
        .json = bytes + head,
        .json_len = (size_t)numbers[2],
        .text = bytes + head + numbers[2],
        .text_len = (size_t)numbers[3],
    };
    return is_text(out->json, out->json_len) && is_text(out->text, out->text_len);
}

bool answer_is_newer(const char *bytes, size_t len)
{
    char word[12];
    int64_t version;
    size_t n = 0, at = strlen(MAGIC);
    if (len < at || memcmp(bytes, MAGIC, at) != 0)
        return false;
    for (; at < len && bytes[at] != ' ' && n + 1 < sizeof word; at++)
        word[n++] = bytes[at];
    word[n] = '\0';
    return text_to_integer(word, VERSION + 1, INT32_MAX, &version);
}
