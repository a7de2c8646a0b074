#include "core/emodel.h"

#include <math.h>

const struct codec emodel_g711 = {"G.711 with packet-loss concealment", 0, 25.1,
                                  "ITU-T G.113 Appendix I"};

/* Of Table 2/G.107, or computed from it with clauses 7.2 and 7.3. */
#define TELR 65.0    /* talker echo loudness rating, dB */
#define WEPL 110.0   /* weighted echo path loss, dB */
#define RO   94.7688 /* basic signal-to-noise ratio; also Roe, that of the talker */
#define IS   1.4136  /* impairments simultaneous with speech */

/* Clause 7.4: Id, by talker echo, listener echo, and delay itself. The one-way delay is
 * the same for all of them, so the round trip of the listener's echo is twice as long. */
static double delay_impairment(double ms)
{
    double terv =
        TELR - 40 * log10((1 + ms / 10) / (1 + ms / 150)) + 6 * exp(-0.3 * ms * ms);
    double re = 80 + 2.5 * (terv - 14);
    double idte =
        ((RO - re) / 2 + sqrt((RO - re) * (RO - re) / 4 + 100) - 1) * (1 - exp(-ms));
    double rle = 10.5 * (WEPL + 7) * pow(2 * ms + 1, -0.25);
    double idle = (RO - rle) / 2 + sqrt((RO - rle) * (RO - rle) / 4 + 169);
    double x = ms > 100 ? log2(ms / 100) : 0;
    double idd =
        25 * (pow(1 + pow(x, 6), 1. / 6) - 3 * pow(1 + pow(x / 3, 6), 1. / 6) + 2);
    return idte + idle + idd;
}

double emodel_rating(const struct codec *codec, double delay_ms, double loss_ratio,
                     double burst_ratio)
{
    double loss = 100 * loss_ratio; /* clause 7.5, in percent */
    double ie = codec->ie + (95 - codec->ie) * loss / (loss / burst_ratio + codec->bpl);
    double r = RO - IS - delay_impairment(delay_ms) - ie;
    return r < 0 ? 0 : r > 100 ? 100 : r;
}

double emodel_mos(double r)
{
    if (r <= 0)
        return 1;
    double mos = 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
    return mos < 1 ? 1 : mos;
}
