#ifndef EDGELAT_PROBE_HTTPS_H
#define EDGELAT_PROBE_HTTPS_H

#include "probe/probe.h"

extern const struct probe_kind https_kind;

#endif
