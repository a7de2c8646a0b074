/*
 * The OTLP signals that we send, each with its name in file names and its path below the
 * collector's URL (OTLP specification, "OTLP/HTTP Request").
 */
#ifndef EDGELAT_OTLP_SIGNAL_H
#define EDGELAT_OTLP_SIGNAL_H

#include <string.h>

enum signal { SIGNAL_METRICS, SIGNAL_LOGS, SIGNALS };

#define SIGNAL_PATH_MAX 16 /* with its NUL */

static inline const char *signal_name(enum signal signal)
{
    static const char *const names[SIGNALS] = {"metrics", "logs"};
    return names[signal];
}

/* A guess from the name of a file; who reads it tries the other signal next. */
static inline enum signal signal_of_file(const char *name)
{
    return strstr(name, "-logs.") != NULL ? SIGNAL_LOGS : SIGNAL_METRICS;
}

static inline const char *signal_path(enum signal signal)
{
    static const char *const paths[SIGNALS] = {"/v1/metrics", "/v1/logs"};
    return paths[signal];
}

#endif
