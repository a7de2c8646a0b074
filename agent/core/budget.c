#include "core/budget.h"

#include <math.h>
#include <string.h>

#define DAY_NS     (86400 * NS_PER_S)
#define HEAD       "edgelat-budget 1 "
#define NUMBER_MAX 1e15
#define DAYS_MAX   1e6

static int64_t day_of(struct wall wall)
{
    return wall.ns / DAY_NS;
}

static double elapsed(struct wall wall)
{
    return (double)(wall.ns % DAY_NS) / (double)DAY_NS;
}

static void begin_day(struct budget *b, struct wall wall, struct mono now)
{
    int64_t rest_ns = day_of(wall) == b->day ? DAY_NS - wall.ns % DAY_NS : DAY_NS;
    b->day_began = now;
    b->day_ends.ns = now.ns + rest_ns;
}

void budget_begin(struct budget *b, struct budget_amount limit, struct wall wall,
                  struct mono now)
{
    *b = (struct budget){.limit = limit.bytes,
                         .packet_bytes =
                             limit.packets > 0 ? limit.bytes / limit.packets : 0,
                         .day = day_of(wall)};
    begin_day(b, wall, now);
    b->spent[BUDGET_PROBES] = b->limit * elapsed(wall) * (1 - BUDGET_OTHER);
    b->spent[BUDGET_NAMES] = b->limit * elapsed(wall) * BUDGET_OTHER;
}

double budget_cost(const struct budget *b, struct budget_amount a)
{
    double least = b != NULL ? a.packets * b->packet_bytes : 0;
    return a.bytes > least ? a.bytes : least;
}

/* Digits up to NUMBER_MAX, then `end`. */
static bool take_number(const char **at, char end, double *out)
{
    double number = 0;
    const char *first = *at;
    for (; **at >= '0' && **at <= '9' && number <= NUMBER_MAX; (*at)++)
        number = 10 * number + (**at - '0');
    *out = number;
    return *at > first && number <= NUMBER_MAX && *(*at)++ == end;
}

bool budget_read(struct budget *b, const char *text, size_t len)
{
    char line[128];
    const char *at = line + sizeof HEAD - 1;
    double number[2 + BUDGET_USES] = {0}, sum = 0;
    if (len >= sizeof line || len < sizeof HEAD ||
        memcmp(text, HEAD, sizeof HEAD - 1) != 0)
        return false;
    memcpy(line, text, len);
    line[len] = '\0';
    for (size_t i = 0; i < 2 + BUDGET_USES; i++) {
        if (!take_number(&at, i == 1 + BUDGET_USES ? '\n' : ' ', &number[i]))
            return false;
        sum += i >= 2 ? number[i] : 0;
    }
    double granted = number[1], *spent = &number[2];
    if (*at != '\0' || number[0] > DAYS_MAX || granted < sum)
        return false;
    int64_t day = (int64_t)number[0];
    bool old = day < b->day;
    b->day = day;
    for (size_t i = 0; i < BUDGET_USES; i++)
        b->spent[i] = spent[i];
    b->spent[BUDGET_PROBES] += granted - sum; /* it may have been spent before a crash */
    b->granted = granted;
    if (old) /* the next call begins a new day */
        b->day_ends = b->day_began;
    return true;
}

double budget_spent(const struct budget *b)
{
    double sum = 0;
    for (size_t i = 0; i < BUDGET_USES; i++)
        sum += b->spent[i];
    return sum;
}

static void turn(struct budget *b, struct wall wall, struct mono now)
{
    int64_t day = day_of(wall), over_ns = now.ns - b->day_ends.ns;
    bool later = day > b->day && over_ns >= -BUDGET_SLACK_NS;
    if (!later && over_ns < BUDGET_AHEAD_NS)
        return;
    b->day = day > b->day ? day : b->day + 1;
    memset(b->spent, 0, sizeof b->spent);
    b->granted = 0;
    begin_day(b, wall, now);
}

/* What the day has given to a part of the budget so far. On a day that began by the monotonic
 * clock, the wall clock does not tell. */
static double given(const struct budget *b, double part, struct wall wall,
                    struct mono now)
{
    double share = day_of(wall) == b->day
                       ? elapsed(wall)
                       : (double)(now.ns - b->day_began.ns) / (double)DAY_NS;
    share += (double)BUDGET_AHEAD_NS / (double)DAY_NS;
    return b->limit * part * (share < 1 ? share : 1);
}

static double left(const struct budget *b, enum budget_use use, struct wall wall,
                   struct mono now)
{
    if (use == BUDGET_PROBES)
        return given(b, 1 - BUDGET_OTHER, wall, now) - b->spent[BUDGET_PROBES];
    return given(b, BUDGET_OTHER, wall, now) - b->spent[BUDGET_PATHS] -
           b->spent[BUDGET_NAMES];
}

struct budget_amount budget_of_kind(const struct kind *kind, uint32_t payload_bytes)
{
    return (struct budget_amount){kind->bytes + kind->payloads * (double)payload_bytes,
                                  kind->packets};
}

bool budget_take(struct budget *b, enum budget_use use, struct budget_amount a,
                 struct wall wall, struct mono now)
{
    double bytes = budget_cost(b, a);
    if (b == NULL || b->limit <= 0)
        return true;
    turn(b, wall, now);
    if (bytes > left(b, use, wall, now) || budget_spent(b) + bytes > b->granted) {
        b->refused++;
        return false;
    }
    b->spent[use] += bytes;
    return true;
}

void budget_settle(struct budget *b, enum budget_use use, struct budget_amount taken,
                   struct budget_amount used)
{
    double rest = budget_cost(b, taken) - budget_cost(b, used);
    if (b != NULL && rest > 0)
        b->spent[use] -= rest < b->spent[use] ? rest : b->spent[use];
}

double budget_rate(struct budget *b, struct wall wall, struct mono now)
{
    if (b->limit <= 0)
        return INFINITY;
    turn(b, wall, now);
    double rest_s = left(b, BUDGET_PROBES, wall, now) * 1e9 / (double)BUDGET_AHEAD_NS;
    double most_s = 2 * b->limit * (1 - BUDGET_OTHER) * 1e9 / (double)DAY_NS;
    return rest_s < 0 ? 0 : rest_s < most_s ? rest_s : most_s;
}

bool budget_grant(const struct budget *b, bool stop, struct text *text, double *granted)
{
    double spent = budget_spent(b), step = BUDGET_GRANT * b->limit;
    bool low = b->granted - spent < step / 2 && b->granted < b->limit;
    if (b->limit <= 0 || !(low || stop))
        return false;
    *granted = stop ? spent : spent + step < b->limit ? spent + step : b->limit;
    if (*granted < spent)
        *granted = spent;
    text_add(text, HEAD "%lld %.0f %.0f %.0f %.0f\n", (long long)b->day,
             ceil(*granted) + 3, ceil(b->spent[0]), ceil(b->spent[1]), ceil(b->spent[2]));
    return true;
}

void budget_granted(struct budget *b, double granted)
{
    b->granted = granted;
}

/* ---- who gets it ---- */

static double need(const struct budget_stream *streams, size_t n, double per_weight)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double full = streams[i].rate * streams[i].bytes,
               share = streams[i].weight * per_weight;
        sum += full < share ? full : share;
    }
    return sum;
}

void budget_share(struct budget_stream *streams, size_t n, double bytes_s)
{
    double wanted = need(streams, n, INFINITY), low = 0, high = wanted;
    for (size_t i = 0; i < n; i++)
        if (streams[i].weight > 0 && wanted / streams[i].weight > high)
            high = wanted / streams[i].weight;
    if (wanted <= bytes_s)
        return;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        *(need(streams, n, middle) <= bytes_s ? &low : &high) = middle;
    }
    for (size_t i = 0; i < n; i++) {
        double rate = streams[i].weight * low / streams[i].bytes;
        if (rate < streams[i].rate)
            streams[i].rate = rate;
    }
}
