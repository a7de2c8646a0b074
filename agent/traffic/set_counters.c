#include "traffic/set_counters.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void set_counters_add(struct text *answer, enum rate_direction direction,
                      const struct nft_element *element)
{
    char address[ADDRESS_TEXT_MAX];
    uint64_t bytes = element->bytes < INT64_MAX ? element->bytes : INT64_MAX;
    if (bytes > 0)
        text_add(answer, "%s %s %" PRIu64 "\n", rate_direction_name(direction),
                 endpoint_address(address, &element->first), bytes);
}

void set_counters_end(struct text *answer)
{
    text_add(answer, "end\n");
}

void set_counters_error(struct text *answer, const char *clause)
{
    text_clear(answer);
    text_add(answer, "error %s\n", clause);
}

/* ---- taking ---- */

static struct set_sum *sum_of(struct set_counters *c, const char *service,
                              enum rate_direction direction)
{
    struct rate_row *row = rates_row(c->rates, service, direction, "nftables");
    for (size_t i = 0; i < c->n; i++)
        if (c->sums[i].row == row)
            return &c->sums[i];
    if (row == NULL || c->n == SET_SUMS_MAX)
        return NULL;
    row->bytes_only = true;
    c->sums[c->n] = (struct set_sum){.row = row};
    return &c->sums[c->n++];
}

static bool take_line(struct set_counters *c, char *line)
{
    struct endpoint e;
    int64_t bytes;
    char *address = strchr(line, ' '),
         *number = address != NULL ? strchr(address + 1, ' ') : NULL;
    if (number == NULL)
        return false;
    *address++ = *number++ = '\0';
    bool sent = strcmp(line, rate_direction_name(RATE_TRANSMIT)) == 0;
    if ((!sent && strcmp(line, rate_direction_name(RATE_RECEIVE)) != 0) ||
        !endpoint_parse(&e, address, 0) || !text_to_integer(number, 0, INT64_MAX, &bytes))
        return false;
    const struct prefix *prefix = prefixes_find(c->prefixes, &e);
    struct set_sum *sum =
        prefix != NULL ? sum_of(c, prefix->service, sent ? RATE_TRANSMIT : RATE_RECEIVE)
                       : NULL; /* the rules are older than prefixes.csv */
    if (sum != NULL)
        sum->now = sum->now <= UINT64_MAX - (uint64_t)bytes ? sum->now + (uint64_t)bytes
                                                            : UINT64_MAX;
    return true;
}

static bool take_lines(struct set_counters *c, const char *bytes, size_t len,
                       char why[SET_ERROR_MAX])
{
    for (size_t at = 0; at < len;) {
        char line[SET_ERROR_MAX];
        const char *end = memchr(bytes + at, '\n', len - at);
        size_t n = end != NULL ? (size_t)(end - bytes) - at : len - at;
        text_copy_line(line, sizeof line, bytes + at, n);
        at += n + 1;
        if (strcmp(line, "end") == 0)
            return true;
        if (strncmp(line, "error ", 6) == 0) {
            text_copy(why, SET_ERROR_MAX, line + 6);
            return false;
        }
        if (end == NULL || !take_line(c, line))
            break;
    }
    text_copy(why, SET_ERROR_MAX,
              "the helper's answer is incomplete or of another version");
    return false;
}

bool set_counters_take(struct set_counters *c, const char *bytes, size_t len,
                       int64_t elapsed_ns, char why[SET_ERROR_MAX])
{
    for (size_t i = 0; i < c->n; i++)
        c->sums[i].now = 0;
    if (!take_lines(c, bytes, len, why))
        return false;
    bool fell = false;
    for (size_t i = 0; i < c->n; i++)
        fell = fell || c->sums[i].now < c->sums[i].last;
    c->resets += fell;
    for (size_t i = 0; i < c->n; i++) {
        struct set_sum *s = &c->sums[i];
        uint64_t before = fell ? 0 : s->last;
        struct rate_amount amount = {.bytes = s->now - before};
        if (c->begun && amount.bytes > 0)
            rates_add(c->rates, s->row, &amount, elapsed_ns);
        s->last = s->now;
    }
    c->begun = true;
    return true;
}
