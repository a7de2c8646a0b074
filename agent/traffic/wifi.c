#include "traffic/wifi.h"

#include "otlp/names.h"

static void take_count(struct wifi_count *c, uint32_t now, bool same)
{
    c->window = same ? now - c->last : 0;
    c->total += c->window;
    c->last = now;
}

void wifi_take(struct wifi_traffic *t, const struct wifi_link *link)
{
    bool linked = wifi_has_link(link);
    bool same = t->has_last && linked && link->frames >= t->frames.last &&
                link->retries >= t->retries.last && link->failed >= t->failed.last;
    t->link = linked ? *link : (struct wifi_link){0};
    t->has_last = linked;
    take_count(&t->frames, t->link.frames, same);
    take_count(&t->retries, t->link.retries, same);
    take_count(&t->failed, t->link.failed, same);
    if (!linked || link->signal_dbm >= WIFI_WEAK_DBM)
        t->weak = 0;
    else if (t->weak < WIFI_WEAK_WINDOWS)
        t->weak++;
}

static double sum(struct wifi_count *c, bool delta)
{
    double value = (double)(delta ? c->total - c->reported : c->total);
    c->reported = c->total;
    return value;
}

size_t wifi_values(struct wifi_traffic *t, bool delta,
                   const struct self_label *const labels[2],
                   struct self_value values[WIFI_VALUES])
{
    const struct wifi_link *l = &t->link;
    size_t n = 0;
    if (wifi_has_link(l))
        values[n++] = (struct self_value){.name = METRIC_INTERFACE_WIFI_SIGNAL,
                                          .unit = "dBm",
                                          .description = "Signal of the access point",
                                          .value = l->signal_dbm,
                                          .labels = labels[0],
                                          .n_labels = 1};
    for (size_t d = 0; d < 2; d++) {
        uint64_t rate = d == 0 ? l->received_bit_s : l->sent_bit_s;
        if (rate > 0)
            values[n++] = (struct self_value){.name = METRIC_INTERFACE_WIFI_SPEED,
                                              .unit = "bit/s",
                                              .description = "Rate of the radio link",
                                              .value = (double)rate,
                                              .labels = labels[d],
                                              .n_labels = 2};
    }
    if (t->begun || t->has_last) { /* of a link that is away, too: it has no gap */
        values[n++] = (struct self_value){.name = METRIC_INTERFACE_WIFI_RETRIES,
                                          .unit = "{frame}",
                                          .description = "Frames that were sent again",
                                          .monotonic = true,
                                          .begins = !t->begun,
                                          .value = sum(&t->retries, delta),
                                          .labels = labels[0],
                                          .n_labels = 1};
        values[n++] = (struct self_value){.name = METRIC_INTERFACE_WIFI_FAILURES,
                                          .unit = "{frame}",
                                          .description = "Frames that were given up",
                                          .monotonic = true,
                                          .begins = !t->begun,
                                          .value = sum(&t->failed, delta),
                                          .labels = labels[0],
                                          .n_labels = 1};
        t->begun = true;
    }
    return n;
}

void wifi_text(const struct wifi_traffic *t, struct text *out)
{
    const struct wifi_link *l = &t->link;
    if (!wifi_has_link(l))
        return;
    text_add(out, ", Wi-Fi %d dBm", l->signal_dbm);
    if (l->received_bit_s > 0)
        text_add(out, ", received at %.0f Mbit/s", (double)l->received_bit_s / 1e6);
    if (l->sent_bit_s > 0)
        text_add(out, ", sent at %.0f Mbit/s", (double)l->sent_bit_s / 1e6);
    if (t->frames.window > 0)
        text_add(out, ", %.0f retries for 100 frames",
                 100 * (double)t->retries.window / (double)t->frames.window);
}

bool wifi_problem(const struct wifi_traffic *t, const char *interface, struct text *out)
{
    if (t->weak < WIFI_WEAK_WINDOWS)
        return false;
    text_add(
        out,
        "interface %s: the Wi-Fi signal is weak (%d dBm, limit %d dBm), so frames are "
        "slow and sent again; move this host or the access point, or use a cable\n",
        interface, t->link.signal_dbm, WIFI_WEAK_DBM);
    return true;
}
