/*
 * What becomes of a closed window: the log says what has changed, the agent's own values
 * and the events of the edge join it, and it goes, encoded, into the spool.
 */
#ifndef EDGELAT_CLOSING_H
#define EDGELAT_CLOSING_H

#include "core/batch.h"
#include "core/config.h"
#include "edge/knowledge.h"
#include "export/otlp.h"
#include "export/shipper.h"
#include "export/spool.h"
#include "measurer.h"

struct tally { /* how the agent fares */
    struct measurer_counters measurer;
    struct spool_counters spool;
    struct shipper_counters shipper; /* all 0 without a collector */
};

struct closing;

/* All but the resource, whose texts are, is borrowed; it outlives the closing. */
struct closing *closing_create(const struct config *config,
                               const struct knowledge *knowledge,
                               const struct otlp_resource *resource, struct spool *spool);
void closing_destroy(struct closing *c); /* NULL is fine */

/* Returns what has moved, so that it is time to look around for what is near, valid until
 * the next call; or NULL. */
const char *closing_take(struct closing *c, const struct batch *measured,
                         const struct tally *tally);

/* All of the window that was taken last. */
const struct events *closing_events(const struct closing *c);

#endif
