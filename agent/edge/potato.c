#include "edge/potato.h"

#include "core/result.h"
#include "core/time.h"
#include "edge/distance.h"

#include <math.h>
#include <stdlib.h>

/* Within this round trip there is no room for a PoP that is nearer by much: 300 km. */
#define NEAR_NS (3 * NS_PER_MS)

/* A nearer front door: by so much, and by this share of the entry's delay. */
#define NEARER_NS    (3 * NS_PER_MS)
#define NEARER_SHARE 0.3

/* By the catalogue: an entry so much further away than the nearest metro is far; within
 * NEAR_KM it is near. */
#define FAR_KM  800
#define NEAR_KM 200

/* The target is at the entry. */
#define LOCAL_NS (2 * NS_PER_MS)

/* Stretch of fibre against the great circle (Bozkurt et al., "Why is the Internet so slow?!",
 * 2017: 1.5 to 2 in the median): beyond it is a detour. Below 0.9 a place is wrong. */
#define DETOUR   3.0
#define TOO_FAST 0.9

/* So many of Microsoft's hops must have a way back of the same length. */
enum { COMPARED_LEAST = 3, HOPS_BACK_MOST = 40 };

const char *potato_grade_name(enum potato_grade g)
{
    static const char *const names[] = {[POTATO_CANNOT_TELL] = "cannot tell",
                                        [POTATO_COLD] = "cold",
                                        [POTATO_HOT] = "hot"};
    return names[g];
}

unsigned potato_hops_back(int16_t reply_ttl)
{
    static const int16_t begins[] = {64, 128, 255};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (reply_ttl > 0 && reply_ttl <= begins[i]) {
            int hops = begins[i] - reply_ttl + 1;
            return hops <= HOPS_BACK_MOST ? (unsigned)hops : 0;
        }
    return 0;
}

/* ---- forward ---- */

static bool is_distance(double km)
{
    return !isnan(km);
}

/* The delay is no shorter than light needs: else one of the places is wrong. */
static bool is_possible(int64_t ns, double km)
{
    return ns >= distance_rtt_bound_ns(km) * TOO_FAST;
}

static enum potato_grade judge_forward(const struct potato *p,
                                       const struct potato_places *places)
{
    if (p->entry_ns == DELAY_UNDEFINED)
        return POTATO_CANNOT_TELL;
    if (p->entry_ns <= NEAR_NS)
        return POTATO_COLD;
    if (places->nearest_ns != DELAY_UNDEFINED) {
        int64_t further = p->entry_ns - places->nearest_ns;
        bool far =
            further > NEARER_NS && (double)further > NEARER_SHARE * (double)p->entry_ns;
        if (!far)
            return POTATO_COLD;
        return places->entry_hidden ? POTATO_CANNOT_TELL : POTATO_HOT;
    }
    if (places->entry_hidden || !is_distance(places->entry_km) ||
        !is_distance(places->nearest_km) || !is_possible(p->entry_ns, places->entry_km))
        return POTATO_CANNOT_TELL;
    double further = places->entry_km - places->nearest_km;
    return further > FAR_KM    ? POTATO_HOT
           : further < NEAR_KM ? POTATO_COLD
                               : POTATO_CANNOT_TELL;
}

/* ---- back ---- */

/* Of the way back of a hop against the way there. */
static bool difference_of(const struct potato_hop *hop, size_t i, int *out)
{
    unsigned back = potato_hops_back(hop->reply_ttl);
    *out = (int)back - (int)(i + 1);
    return back > 0;
}

/* Of the last hop before the entry that tells it; 0: none does. */
static int difference_before(const struct potato_hop *hops, size_t entry)
{
    int difference;
    for (size_t i = entry; i-- > 0;)
        if (difference_of(&hops[i], i, &difference))
            return difference;
    return 0;
}

static void compare_back(struct potato *p, const struct potato_hop *hops, size_t n,
                         size_t entry)
{
    int before = difference_before(hops, entry), difference;
    for (size_t i = entry; i < n; i++) {
        if (!hops[i].microsofts || !difference_of(&hops[i], i, &difference))
            continue;
        p->compared++;
        if (abs(difference - before) > abs(p->difference))
            p->difference = difference - before;
    }
}

static enum potato_grade judge_back(const struct potato *p)
{
    if (p->local || p->compared == 0)
        return POTATO_CANNOT_TELL;
    bool detour = !isnan(p->stretch) && p->stretch > DETOUR;
    if (abs(p->difference) >= POTATO_JUMP)
        return POTATO_HOT;
    return p->compared >= COMPARED_LEAST && p->difference == 0 && !detour
               ? POTATO_COLD
               : POTATO_CANNOT_TELL;
}

/* ---- both ---- */

struct potato potato_judge(const struct potato_hop *hops, size_t n, bool reached,
                           const struct potato_places *places)
{
    struct potato p = {
        .entry_ns = DELAY_UNDEFINED, .beyond_ns = DELAY_UNDEFINED, .stretch = NAN};
    size_t entry = 0;
    while (entry < n && !hops[entry].microsofts)
        entry++;
    if (entry == n)
        return p;
    /* routers answer slowly: a hop behind it bounds its delay */
    for (size_t i = entry; i < n; i++)
        if (hops[i].min_ns != DELAY_UNDEFINED &&
            (p.entry_ns == DELAY_UNDEFINED || hops[i].min_ns < p.entry_ns))
            p.entry_ns = hops[i].min_ns;
    if (reached && hops[n - 1].min_ns != DELAY_UNDEFINED)
        p.beyond_ns = hops[n - 1].min_ns - p.entry_ns;
    p.local = p.beyond_ns != DELAY_UNDEFINED && p.beyond_ns <= LOCAL_NS;
    if (p.beyond_ns != DELAY_UNDEFINED && is_distance(places->serving_km) &&
        places->serving_km > 0)
        p.stretch =
            (double)p.beyond_ns / (double)distance_rtt_bound_ns(places->serving_km);
    if (!isnan(p.stretch) && p.stretch < TOO_FAST) /* a place is wrong */
        p.stretch = NAN;
    compare_back(&p, hops, n, entry);
    p.forward = judge_forward(&p, places);
    p.back = judge_back(&p);
    if (p.forward == POTATO_HOT || p.back == POTATO_HOT)
        p.grade = POTATO_HOT;
    else if (p.forward == POTATO_COLD && (p.local || p.back == POTATO_COLD))
        p.grade = POTATO_COLD;
    return p;
}

static void add_forward(struct text *out, const struct potato *p)
{
    static const char *const said[] = {
        [POTATO_CANNOT_TELL] = "it is not known if a PoP is nearer than the entry",
        [POTATO_COLD] = "no PoP is known to be nearer than the entry",
        [POTATO_HOT] =
            "other networks carry the traffic past a PoP nearer than the entry",
    };
    text_add(out, p->entry_ns < NS_PER_MS ? "%s, %.2f ms away" : "%s, %.1f ms away",
             said[p->forward], ms(p->entry_ns));
}

static void add_back(struct text *out, const struct potato *p)
{
    if (p->local) {
        text_add(out, "the target answers at the entry");
        return;
    }
    if (p->compared == 0) {
        text_add(out, "the length of the way back is not known");
        return;
    }
    if (p->difference == 0)
        text_add(out,
                 "the way back of %u of Microsoft's hops is as long as the way there",
                 p->compared);
    else
        text_add(out, "the way back is up to %d hop%s %s than the way there",
                 abs(p->difference), abs(p->difference) == 1 ? "" : "s",
                 p->difference > 0 ? "longer" : "shorter");
    if (!isnan(p->stretch) && p->stretch > DETOUR)
        text_add(out, ", with %.1f times the delay of light", p->stretch);
}

void potato_sentence(struct text *out, const struct potato *p)
{
    static const char *const names[] = {[POTATO_CANNOT_TELL] =
                                            "Cannot tell if cold or hot potato",
                                        [POTATO_COLD] = "Cold potato, as far as it shows",
                                        [POTATO_HOT] = "Hot potato"};
    text_add(out, "%s: ", names[p->grade]);
    if (p->entry_ns == DELAY_UNDEFINED) {
        text_add(out, "no hop of Microsoft's network answers.");
        return;
    }
    add_forward(out, p);
    text_add(out, "; ");
    add_back(out, p);
    text_add(out, ".");
}
