#include "core/result.h"

#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

const char *outcome_name(enum outcome outcome)
{
    static const char *const names[OUTCOME_COUNT] = {
        [OUTCOME_REPLY] = "reply",
        [OUTCOME_LOSS] = "loss",
        [OUTCOME_REFUSED] = "refused",
        [OUTCOME_UNREACHABLE] = "unreachable",
        [OUTCOME_TLS_ERROR] = "tls_error",
        [OUTCOME_HTTP_ERROR] = "http_error",
        [OUTCOME_NOT_MEASURED] = "not_measured",
        [OUTCOME_SLOW] = "slow",
    };
    assert((unsigned)outcome < OUTCOME_COUNT);
    return names[outcome];
}

bool outcome_is_lost(enum outcome outcome)
{
    return outcome == OUTCOME_LOSS || outcome == OUTCOME_UNREACHABLE;
}

uint64_t outcomes_sent(const uint32_t outcomes[OUTCOME_COUNT])
{
    uint64_t sent = 0;
    for (size_t o = 0; o < OUTCOME_COUNT; o++)
        sent += o != OUTCOME_NOT_MEASURED ? outcomes[o] : 0;
    return sent;
}

uint64_t outcomes_lost(const uint32_t outcomes[OUTCOME_COUNT])
{
    return (uint64_t)outcomes[OUTCOME_LOSS] + outcomes[OUTCOME_UNREACHABLE];
}

uint64_t outcomes_failed(const uint32_t outcomes[OUTCOME_COUNT])
{
    return outcomes_sent(outcomes) - outcomes_lost(outcomes) - outcomes[OUTCOME_REPLY];
}

struct result result_of(uint32_t stream, const struct endpoint *to, struct wall time,
                        enum outcome outcome)
{
    struct result r = {.stream = stream, .to = *to, .time = time, .outcome = outcome};
    for (size_t i = 0; i < DELAYS_MAX; i++)
        r.delays[i] = DELAY_UNDEFINED;
    return r;
}

void delay_json(struct json *j, const char *key, int64_t ns)
{
    if (ns == DELAY_UNDEFINED)
        json_null(j, key);
    else
        json_ms(j, key, ns);
}

const char *delay_text(char out[DELAY_TEXT_MAX], double ms)
{
    if (!isfinite(ms) || ms < 0)
        snprintf(out, DELAY_TEXT_MAX, "-");
    else /* the bounds are where rounding adds a digit */
        snprintf(out, DELAY_TEXT_MAX, "%.*f",
                 ms < 0.9995  ? 3
                 : ms < 9.995 ? 2
                 : ms < 99.95 ? 1
                              : 0,
                 ms);
    return out;
}
