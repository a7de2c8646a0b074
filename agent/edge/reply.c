#include "edge/reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- marks of other networks ---- */

static const struct {
    const char *name;  /* of the header; with `any_end` a prefix of it */
    const char *value; /* a prefix of the value, in any case; "": any value */
    const char *mark;
    bool any_end;
} marks[] = {
    {"X-CDN-TraceID", "", "X-CDN-TraceID of Akamai", false},
    {"X-EdgeScape-Location", "", "X-EdgeScape-Location of Akamai", false},
    {"Set-Cookie", "ak_bmsc=", "cookie ak_bmsc of Akamai", false},
    /* Commonly known; not seen in replies for Microsoft's names. */
    {"Akamai-", "", "Akamai-GRN of Akamai", true},
    {"X-Akamai-", "", "X-Akamai header of Akamai", true},
    {"Set-Cookie", "bm_sz=", "cookie bm_sz of Akamai", false},
    {"Set-Cookie", "_abck=", "cookie _abck of Akamai", false},
    {"Server", "Akamai", "Server of Akamai", false},
    {"Server", "(Akamai", "Server of Akamai", false},
    {"CF-RAY", "", "CF-RAY of Cloudflare", false},
    {"Server", "cloudflare", "Server of Cloudflare", false},
    {"X-Served-By", "cache-", "X-Served-By of Fastly", false},
    {"X-Amz-Cf-", "", "X-Amz-Cf-Pop of CloudFront", true},
    {"Server", "CloudFront", "Server of CloudFront", false},
    {"Server", "ECAcc", "Server of Edgio", false},
    {"Server", "ECS (", "Server of Edgio", false},
    {"Server", "ECD (", "Server of Edgio", false},
};

static const char *mark_of(const char *name, const char *value, size_t value_len)
{
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        size_t len = strlen(marks[i].value);
        bool named = marks[i].any_end
                         ? strncasecmp(name, marks[i].name, strlen(marks[i].name)) == 0
                         : strcasecmp(name, marks[i].name) == 0;
        if (named && value_len >= len && strncasecmp(value, marks[i].value, len) == 0)
            return marks[i].mark;
    }
    return NULL;
}

/* ---- times ---- */

/* Days from 1970-01-01 to a Gregorian date. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t past = year - 1; /* the last whole year */
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return 365 * (year - 1970) + (past / 4 - past / 100 + past / 400) - 477 +
           before[month - 1] + (leap && month > 2) + day - 1;
}

/*
 * Parses a time with the layout `form`: Y, M, D, h, m, s are digits, N the three letters
 * of a month, '?' any character, the rest literal. 0: it does not match.
 */
static int64_t time_of(const char *form, const char *at, size_t len)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const char parts[] = "YMDhms";
    int64_t n[sizeof parts - 1] = {0};
    if (len < strlen(form))
        return 0;
    for (size_t i = 0; form[i] != '\0'; i++) {
        const char *part = strchr(parts, form[i]);
        if (form[i] == 'N') {
            size_t m = 0;
            while (m < 12 && memcmp(months + 3 * m, at + i, 3) != 0)
                m++;
            n[1] = (int64_t)m + 1;
            i += 2; /* three letters */
        } else if (part != NULL) {
            if (at[i] < '0' || at[i] > '9')
                return 0;
            n[part - parts] = 10 * n[part - parts] + (at[i] - '0');
        } else if (form[i] != '?' && form[i] != at[i]) {
            return 0;
        }
    }
    if (n[0] < 1970 || n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 31 || n[3] > 23 ||
        n[4] > 59 || n[5] > 60)
        return 0;
    return ((days_of(n[0], n[1], n[2]) * 24 + n[3]) * 60 + n[4]) * 60 + n[5];
}

/* "Ref A: ... Ref B: ... Ref C: 2026-11-23T18:02:21Z" */
static int64_t ref_c_time(const char *value, size_t len)
{
    static const char mark[] = "Ref C: ";
    const char *at = memmem(value, len, mark, sizeof mark - 1);
    if (at == NULL)
        return 0;
    at += sizeof mark - 1;
    return time_of("YYYY-MM-DDThh:mm:ss", at, len - (size_t)(at - value));
}

/* ---- the reply ---- */

void reply_header(struct reply *r, const char *name, const char *value, size_t value_len)
{
    struct pop pop;
    const char *mark = mark_of(name, value, value_len);
    if (mark != NULL && r->foreign == NULL)
        r->foreign = mark;
    bool named = pop_from_header(&pop, name, value, value_len);
    if (strcasecmp(name, "X-FEServer") == 0)
        r->front_end = pop;
    else if (named && pop_better(&pop, &r->pop))
        r->pop = pop;
    if (strcasecmp(name, "Date") == 0) /* RFC 9110, 5.6.7 */
        r->date_s = time_of("???, DD NNN YYYY hh:mm:ss", value, value_len);
    else if (strcasecmp(name, "X-MSEdge-Ref") == 0 || strcasecmp(name, "X-FD-Ref") == 0)
        r->ref_s = ref_c_time(value, value_len);
    else if (strcasecmp(name, "X-Azure-Ref") == 0 && r->ref_s == 0)
        r->ref_s = time_of("YYYYMMDDThhmmssZ", value, value_len);
}

bool reply_is_copy(const struct reply *r)
{
    return r->date_s != 0 && r->ref_s != 0 && llabs(r->date_s - r->ref_s) > REPLY_COPY_S;
}

struct pop reply_pop(const struct reply *r)
{
    static const struct pop unknown = {.source = ""};
    if (r->foreign != NULL || reply_is_copy(r))
        return unknown;
    if (r->front_end.family != POP_UNKNOWN && pop_better(&r->front_end, &r->pop))
        return r->front_end;
    return r->pop.family != POP_UNKNOWN ? r->pop : unknown;
}
