#ifndef EDGELAT_PROBE_ICMP_H
#define EDGELAT_PROBE_ICMP_H

#include "probe/probe.h"

extern const struct probe_kind icmp_kind;

#endif
