/*
 * A small OTLP/HTTP receiver for trials and tests, not for production: POST /v1/metrics
 * and /v1/logs with protobuf, gzipped or plain. What it answers 200 to has been decoded,
 * stored whole in a folder (where one is given) and shown to the caller. On libevent's
 * HTTP server and a loop of its own, so that what the agent's code sends is not also
 * received by it.
 *
 * Bounded: 256 connections, or what the limit of descriptors leaves, and 64 MiB of
 * unfinished requests; beyond that the connection whose request began first is closed.
 * When accept() fails it pauses for a second. Each is logged once. One receiver a process.
 */
#ifndef EDGELAT_COLLECTOR_RECEIVER_H
#define EDGELAT_COLLECTOR_RECEIVER_H

#include "core/endpoint.h"
#include "otlp/signal.h"
#include "proto/otlp.pb-c.h"

#include <stddef.h>

#define RECEIVER_BODY_MAX (4u << 20) /* as it came, before it is unpacked */

struct receiver;

/* An accepted batch, as otlp_read() has it; `bytes` is its length as it came. It goes
 * afterwards. */
typedef void receiver_batch_cb(enum signal signal, const ProtobufCMessage *request,
                               size_t bytes, void *user);

/*
 * Listens on `at` (port 0: any that is free). Batches are stored in `dir` (made with mode
 * 0700 where it is missing; NULL: not stored), numbered on from what is there. Returns 0,
 * or -errno with one plain clause in `*why` (static).
 */
int receiver_create(struct receiver **out, const struct endpoint *at, const char *dir,
                    receiver_batch_cb *on_batch, void *user, const char **why);
void receiver_destroy(struct receiver *r); /* NULL is fine */

/* From now on every batch is answered with the order to stop probing (stop.h), and not
 * taken; `reason` may be "". */
void receiver_stop_probing(struct receiver *r, const char *reason);

uint16_t receiver_port(const struct receiver *r);

void receiver_run(struct receiver *r); /* until SIGTERM or SIGINT */

#endif
