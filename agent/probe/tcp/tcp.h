#ifndef EDGELAT_PROBE_TCP_H
#define EDGELAT_PROBE_TCP_H

#include "probe/probe.h"

extern const struct probe_kind tcp_kind;

#endif
