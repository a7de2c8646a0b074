#include "report/scale.h"

#include "core/time.h"

#include <math.h>

enum { USUAL_TIMES = 8, LINEAR_TICKS = 3, LOG_TICKS = 5 };

static void add_tick(struct scale *s, double ms)
{
    if (s->n_ticks < SCALE_TICKS_MAX && ms >= s->low_ms * 0.999 &&
        ms <= s->high_ms * 1.001)
        s->ticks_ms[s->n_ticks++] = ms;
}

static void make_linear(struct scale *s)
{
    static const double rounds[] = {1, 2, 5, 10};
    double base = pow(10, floor(log10(s->high_ms / LINEAR_TICKS))), step = base;
    for (size_t i = 0; i < 4 && s->high_ms / step > LINEAR_TICKS + 1; i++)
        step = base * rounds[i];
    for (size_t i = 0; (double)i * step <= s->high_ms; i++)
        add_tick(s, (double)i * step);
}

static void make_logarithmic(struct scale *s)
{
    static const double all[] = {1, 2, 5}, few[] = {1};
    double decades = log10(s->high_ms / s->low_ms);
    const double *of = 3 * decades > LOG_TICKS ? few : all;
    size_t n = of == few ? 1 : 3;
    int first = (int)floor(log10(s->low_ms)), last = (int)floor(log10(s->high_ms));
    for (int power = first; power <= last; power++)
        for (size_t i = 0; i < n; i++)
            add_tick(s, pow(10, power) * of[i]);
}

struct scale scale_for(double least_ms, double usual_ms, double most_ms)
{
    struct scale s = {.logarithmic = most_ms > USUAL_TIMES * usual_ms};
    s.high_ms = (most_ms > 0.001 ? most_ms : 0.001) * 1.05;
    if (s.logarithmic) {
        double floor_ms = s.high_ms / 1e5;
        s.low_ms = least_ms > floor_ms ? least_ms * 0.8 : floor_ms;
        make_logarithmic(&s);
    } else {
        make_linear(&s);
    }
    return s;
}

double scale_at(const struct scale *s, double ms)
{
    double at = s->logarithmic ? log(ms > s->low_ms ? ms / s->low_ms : 1) /
                                     log(s->high_ms / s->low_ms)
                               : ms / s->high_ms;
    return at < 0 ? 0 : at > 1 ? 1 : at;
}

int64_t scale_time_step(int64_t span_ns, size_t n)
{
    static const int64_t steps_s[] = {1,   2,   5,    10,   15,   30,    60,    120,  300,
                                      600, 900, 1800, 3600, 7200, 10800, 21600, 43200};
    for (size_t i = 0; i < sizeof steps_s / sizeof *steps_s; i++)
        if (span_ns / (steps_s[i] * NS_PER_S) <= (int64_t)n)
            return steps_s[i] * NS_PER_S;
    int64_t days = span_ns / (86400 * NS_PER_S * (int64_t)n) + 1;
    return days * 86400 * NS_PER_S;
}
