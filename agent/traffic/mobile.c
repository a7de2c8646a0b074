#include "traffic/mobile.h"

#include "otlp/names.h"

#include <math.h>

static bool is_weak(const struct modem_link *l)
{
    return isnan(l->rsrp_dbm) ? l->quality >= 0 && l->quality < MOBILE_WEAK_QUALITY
                              : l->rsrp_dbm < MOBILE_WEAK_RSRP_DBM;
}

void mobile_take(struct mobile_traffic *t, const struct modem_link *link)
{
    t->link = *link;
    if (!link->found || !is_weak(link))
        t->weak = 0;
    else if (t->weak < MOBILE_WEAK_WINDOWS)
        t->weak++;
}

size_t mobile_values(const struct mobile_traffic *t, const struct self_label *labels,
                     struct self_value values[MOBILE_VALUES])
{
    const struct modem_link *l = &t->link;
    const struct {
        const char *name, *unit, *description;
        double value;
    } rows[MOBILE_VALUES] = {
        {METRIC_INTERFACE_MODEM_SIGNAL, "dBm",
         "Reference signal received power of the cell (RSRP)", l->rsrp_dbm},
        {METRIC_INTERFACE_MODEM_SNR, "dB", "Signal to noise", l->snr_db},
        {METRIC_INTERFACE_MODEM_QUALITY, "1", "Signal quality as the modem rates it",
         l->quality >= 0 ? l->quality / 100.0 : NAN},
    };
    size_t n = 0;
    for (size_t i = 0; l->found && i < MOBILE_VALUES; i++)
        if (!isnan(rows[i].value))
            values[n++] = (struct self_value){.name = rows[i].name,
                                              .unit = rows[i].unit,
                                              .description = rows[i].description,
                                              .value = rows[i].value,
                                              .labels = labels,
                                              .n_labels = 1};
    return n;
}

static void add_signal(const struct modem_link *l, struct text *out)
{
    text_add(out, "%s", l->radio[0] != '\0' ? l->radio : "modem");
    if (!isnan(l->rsrp_dbm))
        text_add(out, " %.0f dBm", l->rsrp_dbm);
    if (l->quality >= 0)
        text_add(out, " (quality %d %%)", l->quality);
}

void mobile_text(const struct mobile_traffic *t, struct text *out)
{
    if (!t->link.found)
        return;
    text_add(out, ", ");
    add_signal(&t->link, out);
}

bool mobile_problem(const struct mobile_traffic *t, const char *interface,
                    struct text *out)
{
    if (t->weak < MOBILE_WEAK_WINDOWS)
        return false;
    text_add(out, "interface %s: the signal of the cell is weak: ", interface);
    add_signal(&t->link, out);
    text_add(out, "; move the modem or its antenna, towards a window or outdoors\n");
    return true;
}
