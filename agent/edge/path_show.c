#include "edge/path_show.h"

#include "base/json.h"
#include "edge/path_watch_state.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PLACE_ROOM = 80 };

/* "London (LON)", or the code. */
static const char *place(char out[PLACE_ROOM], const struct path_watch *w,
                         const char *code)
{
    const struct metro *m = catalogue_of_pop(w->site->metros, code, POP_BACKBONE);
    snprintf(out, PLACE_ROOM, m != NULL ? "%s (%s)" : "%s", m != NULL ? m->city : code,
             code);
    return out;
}

/* ---- text ---- */

static const char *cell_ms(char out[16], int64_t ns)
{
    snprintf(out, 16, "%.1f", ms(ns));
    return ns == DELAY_UNDEFINED ? "-" : out;
}

static const char *cell_number(char out[16], unsigned n)
{
    snprintf(out, 16, "%u", n);
    return n > 0 ? out : "-";
}

/* "1 bgp": the source may change with a BMP session, and the number with it. */
static const char *as_hops_cell(char out[16], const struct path_state *s)
{
    snprintf(out, 16, "%u %s", s->as_hops, as_hops_source_name(s->as_hops_source));
    return s->as_hops > 0 ? out : "-";
}

static const char *entry_cell(char out[PLACE_ROOM], const struct path_watch *w,
                              const struct path_state *s)
{
    return s->entry[0] != '\0'              ? place(out, w, s->entry)
           : s->entry_state == ENTRY_HIDDEN ? "hidden"
                                            : "cannot tell";
}

static void add_row(const struct path_watch *w, const struct path_state *s,
                    struct text *out)
{
    char entry[PLACE_ROOM], hops[16], as[16], local[16], provider[16], microsoft[16];
    char name[TARGET_OVER_TEXT_MAX];
    text_add(out, "\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
             target_over_text(name, s->target), family_name(s->family),
             entry_cell(entry, w, s), s->role[0] != '\0' ? s->role : "-",
             cell_number(hops, s->hops), as_hops_cell(as, s),
             cell_ms(local, s->segment_ns[SEGMENT_LOCAL]),
             cell_ms(provider, s->segment_ns[SEGMENT_PROVIDER]),
             cell_ms(microsoft, s->segment_ns[SEGMENT_MICROSOFT]),
             s->provider[0] != '\0' ? s->provider : "-");
}

/* Local redundancy. */
static void add_location(const struct path_watch *w, const struct path_location *l,
                         struct text *out)
{
    char at[PLACE_ROOM], since[WALL_TEXT_MAX], period[48] = "";
    uint64_t traces = path_location_traces(l);
    wall_text(since, l->since);
    if (l->since.ns != 0)
        snprintf(period, sizeof period, " since %.10s %.5s UTC", since, since + 11);
    text_add(out, "%s: ", place(at, w, l->metro));
    if (l->n_routers == 1) {
        text_add(out,
                 "one router, %s, in %" PRIu64
                 " trace%s%s; cannot tell whether there is another one: one with more "
                 "than %.1f %% of the flows would have been seen (95 %%)\n",
                 l->routers[0].name, traces, traces == 1 ? "" : "s", period,
                 100 * path_location_bound(l));
        return;
    }
    text_add(out, "%zu %s in %" PRIu64 " traces%s: ", l->n_routers,
             l->named ? "routers" : "router addresses, perhaps of one router", traces,
             period);
    for (size_t i = 0; i < l->n_routers; i++)
        text_add(out, "%s%s %.0f %%", i > 0 ? ", " : "", l->routers[i].name,
                 100 * (double)l->routers[i].traces / (double)traces);
    text_add(out, "\n");
}

static void add_failover(const struct path_watch *w, const struct path_failover *f,
                         struct text *out)
{
    char from[PLACE_ROOM], to[PLACE_ROOM], since[WALL_TEXT_MAX];
    wall_text(since, f->since);
    text_add(out, "last failover: %.10s %.8s UTC, from %s, %s, to %s, %s (by the %s)",
             since, since + 11, place(from, w, f->before), role_name(f->from),
             place(to, w, f->after), role_name(f->to),
             f->by_entry ? "entry" : "serving PoP, as the entry is hidden");
    if (f->unanswered_ns > 0)
        text_add(out, "; no answer for %.0f s", (double)f->unanswered_ns / 1e9);
    else
        text_add(out, "; no probe was lost next to it");
    if (f->before_ns != DELAY_UNDEFINED && f->after_ns != DELAY_UNDEFINED)
        text_add(out, "; delay %.1f ms before, %.1f ms after", ms(f->before_ns),
                 ms(f->after_ns));
    text_add(out, "; %zu path%s\n", f->paths, f->paths == 1 ? "" : "s");
}

void path_show_text(const struct path_watch *w, struct text *out)
{
    const struct path_state *const *states;
    size_t n = path_watch_states(w, &states);
    const struct path_failover *f = path_watch_failover(w);
    if (n == 0)
        return;
    text_add(out, "\n\tpath\tfamily\tentry\t-1location\t>hops\t>AS hops\t>local, ms"
                  "\t>provider\t>Microsoft\t-2through\n");
    for (size_t i = 0; i < n; i++)
        add_row(w, states[i], out);
    text_add(out, "(entry: where traffic enters Microsoft's network, by the names of "
                  "routers. AS hops: by the BGP table of a router, or by the AS of each "
                  "hop of the trace. -: cannot tell)\n");
    for (size_t i = 0; i < w->routers.n; i++)
        add_location(w, &w->routers.locations[i], out);
    if (f != NULL)
        add_failover(w, f, out);
}

/* ---- JSON ---- */

static void time_json(struct json *j, const char *key, struct wall time)
{
    char text[WALL_TEXT_MAX];
    json_string(j, key, wall_text(text, time));
}

static void state_json(struct json *j, const struct path_state *s)
{
    json_object(j, NULL);
    json_string(j, "target", s->target->name);
    if (s->target->uplink != NULL)
        json_string(j, "uplink", s->target->uplink->name);
    json_string(j, "family", family_name(s->family));
    time_json(j, "traced", s->traced);
    json_unsigned(j, "traces", s->traces);
    json_string(j, "entry_state", entry_state_name(s->entry_state));
    json_text(j, "entry", s->entry);
    json_text(j, "role", s->role);
    json_string(j, "role_by", s->role_by_entry ? "entry" : "serving_pop");
    json_text(j, "provider", s->provider);
    json_number(j, "hops", s->hops > 0 ? s->hops : NAN);
    json_number(j, "as_hops", s->as_hops > 0 ? s->as_hops : NAN);
    json_text(j, "as_hops_source",
              s->as_hops > 0 ? as_hops_source_name(s->as_hops_source) : NULL);
    json_object(j, "segments");
    for (size_t i = SEGMENT_LOCAL; i < SEGMENTS; i++)
        delay_json(j, segment_name((enum segment)i), s->segment_ns[i]);
    json_object_end(j);
    json_object_end(j);
}

static void location_json(struct json *j, const struct path_location *l)
{
    json_object(j, NULL);
    json_string(j, "metro", l->metro);
    if (l->since.ns != 0)
        time_json(j, "since", l->since);
    else
        json_null(j, "since");
    json_unsigned(j, "traces", path_location_traces(l));
    json_bool(j, "by_name", l->named);
    json_array(j, "routers");
    for (size_t i = 0; i < l->n_routers; i++) {
        json_object(j, NULL);
        json_string(j, "router", l->routers[i].name);
        json_unsigned(j, "traces", l->routers[i].traces);
        time_json(j, "last", l->routers[i].last);
        json_object_end(j);
    }
    json_array_end(j);
    json_number(j, "second_router_share_below",
                l->n_routers == 1 ? path_location_bound(l) : NAN);
    json_object_end(j);
}

static void failover_json(struct json *j, const struct path_failover *f)
{
    if (f == NULL) {
        json_null(j, "last_failover");
        return;
    }
    json_object(j, "last_failover");
    time_json(j, "since", f->since);
    json_string(j, "from", role_name(f->from));
    json_string(j, "to", role_name(f->to));
    json_text(j, "metro_before", f->before);
    json_text(j, "metro_after", f->after);
    json_string(j, "by", f->by_entry ? "entry" : "serving_pop");
    json_number(j, "unanswered_s", (double)f->unanswered_ns / 1e9);
    delay_json(j, "delay_before", f->before_ns);
    delay_json(j, "delay_after", f->after_ns);
    json_string(j, "target", f->target->name);
    json_unsigned(j, "paths", f->paths);
    json_object_end(j);
}

void path_show_json(const struct path_watch *w, struct json *j)
{
    const struct path_state *const *states;
    size_t n = path_watch_states(w, &states);
    json_object(j, "paths");
    json_array(j, "targets");
    for (size_t i = 0; i < n; i++)
        state_json(j, states[i]);
    json_array_end(j);
    json_array(j, "locations");
    for (size_t i = 0; i < w->routers.n; i++)
        location_json(j, &w->routers.locations[i]);
    json_array_end(j);
    failover_json(j, path_watch_failover(w));
    json_object_end(j);
}
