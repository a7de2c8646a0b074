/*
 * The transmission rating of a telephone call by the E-model, ITU-T G.107 (06/2015), and
 * the mean opinion score (MOS) that it predicts for listeners. It is a planning model for
 * narrow-band speech, not a measurement of any call.
 *
 * All parameters but delay, loss and codec have the default values of Table 2/G.107
 * (among them an echo loss of 65 dB, which is why delay costs quality below 100 ms).
 * Without delay and loss the rating is 93.2.
 */
#ifndef EDGELAT_CORE_EMODEL_H
#define EDGELAT_CORE_EMODEL_H

struct codec {
    const char *name;
    double ie;  /* equipment impairment factor at no loss */
    double bpl; /* packet-loss robustness factor */
    const char *source;
};

/*
 * G.711 with the packet-loss concealment of its Appendix I: the only codec of Teams that
 * ITU-T G.113 rates. Microsoft's own (SILK, Satin) conceal loss better; no Ie and Bpl of
 * them are published.
 */
extern const struct codec emodel_g711;

/*
 * The rating R, 0 to 100, for a one-way delay from mouth to ear, the share of packets that
 * are lost or come too late (0 to 1), and their burst ratio: the mean length of bursts of
 * loss divided by that of random loss of the same share; 1 for random loss. G.107 states
 * that bursts are rated for shares up to 2 %.
 */
double emodel_rating(const struct codec *codec, double delay_ms, double loss_ratio,
                     double burst_ratio);

/* MOS-CQE, 1 to 4.5 (Annex B/G.107). */
double emodel_mos(double rating);

#endif
