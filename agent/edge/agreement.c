#include "edge/agreement.h"

static bool same_place(const struct agreement_answer *a, const struct agreement_answer *b)
{
    return endpoint_same_address(&a->to, &b->to) ||
           catalogue_same_metro(a->metro, b->metro);
}

struct agreement agreement_judge(const struct agreement_answer *answers, size_t n,
                                 size_t number, struct wall now)
{
    static const enum agreement_verdict verdicts[] = {
        [GAIN_UNKNOWN] = AGREEMENT_UNDECIDED,
        [GAIN_NONE] = AGREEMENT_ELSEWHERE,
        [GAIN_UNSURE] = AGREEMENT_UNDECIDED,
        [GAIN_SURE] = AGREEMENT_FARTHER,
    };
    const struct agreement_answer *own = &answers[number];
    struct agreement a = {.verdict = AGREEMENT_CANNOT_TELL};
    for (size_t i = 0; own->to.family != FAMILY_NONE && i < n; i++) {
        const struct agreement_answer *other = &answers[i];
        if (i == number || other->to.family != own->to.family)
            continue;
        if (same_place(own, other)) {
            if (a.other == NULL)
                a.verdict = AGREEMENT_SAME;
            continue;
        }
        struct gain g = gain_of(own->handshakes, other->handshakes, now);
        if (a.other != NULL && !gain_is_better(&g, &a.gain))
            continue;
        a.gain = g;
        a.other = other;
        a.verdict = verdicts[g.verdict];
    }
    return a;
}

static void add_place(struct text *out, const struct agreement_answer *a)
{
    char address[ADDRESS_TEXT_MAX];
    text_add(out, "%s",
             a->metro != NULL ? a->metro->city : endpoint_address(address, &a->to));
}

void agreement_text(struct text *out, const struct agreement *a,
                    const struct agreement_answer *own, const char *service)
{
    const struct gain *g = &a->gain;
    text_add(out, "resolver %s ", own->resolver);
    if (own->to.family == FAMILY_NONE) {
        text_add(out, "gives no address for %s", service);
        return;
    }
    text_add(out, "leads %s to ", service);
    add_place(out, own);
    if (a->verdict == AGREEMENT_CANNOT_TELL) {
        text_add(out, "; no other resolver gives an address to compare with");
        return;
    }
    if (a->verdict == AGREEMENT_SAME) {
        text_add(out, ", as the others do");
        return;
    }
    if (g->verdict == GAIN_UNKNOWN)
        text_add(out, ", too few delays to compare");
    else
        text_add(out, ", %+.1f ms (%.1f to %.1f)", ms(g->ns), ms(g->low_ns),
                 ms(g->high_ns));
    text_add(out, a->verdict == AGREEMENT_UNDECIDED && g->verdict != GAIN_UNKNOWN
                      ? ", which may be chance, against "
                      : " against ");
    add_place(out, a->other);
    text_add(out, " by %s", a->other->resolver);
}
