#include "edge/mtu_show.h"

#include "base/json.h"

static const char *limit_text(enum mtu_limit l)
{
    static const char *const texts[] = {
        [MTU_LIMIT_NONE] = "",
        [MTU_LIMIT_REPORTED] = "a router reports that larger packets do not fit",
        [MTU_LIMIT_HOST] = "the interface or route of this host takes no larger packets",
        [MTU_LIMIT_BLACK_HOLE] = "larger packets vanish (a black hole)"};
    return texts[l];
}

void mtu_show_text(const struct mtu_watch *w, struct text *out)
{
    const char *gap = "\n";
    for (size_t i = 0; i < w->n; i++) {
        const struct path_mtu *m = &w->all[i];
        if (m->bytes == 0 || m->limit == MTU_LIMIT_NONE)
            continue;
        char name[TARGET_OVER_TEXT_MAX];
        text_add(out, "%spath MTU to %s (%s): %u bytes; %s\n", gap,
                 target_over_text(name, m->target), family_name(m->family), m->bytes,
                 limit_text(m->limit));
        gap = "";
    }
}

void mtu_show_json(const struct mtu_watch *w, struct json *j)
{
    char searched[WALL_TEXT_MAX];
    json_array(j, "path_mtus");
    for (size_t i = 0; i < w->n; i++) {
        const struct path_mtu *m = &w->all[i];
        if (m->bytes == 0)
            continue;
        json_object(j, NULL);
        json_string(j, "target", m->target->name);
        if (m->target->uplink != NULL)
            json_string(j, "uplink", m->target->uplink->name);
        json_string(j, "family", family_name(m->family));
        json_string(j, "searched", wall_text(searched, m->searched));
        json_unsigned(j, "bytes", m->bytes);
        json_string(j, "limit", mtu_limit_name(m->limit));
        json_object_end(j);
    }
    json_array_end(j);
}
