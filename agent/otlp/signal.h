/*
 * The OTLP signals that we send, each with its name in file names and its path below the
 * collector's URL (OTLP specification, "OTLP/HTTP Request").
 */
#ifndef EDGELAT_OTLP_SIGNAL_H
#define EDGELAT_OTLP_SIGNAL_H

enum signal { SIGNAL_METRICS, SIGNAL_LOGS, SIGNALS };

#define SIGNAL_PATH_MAX 16 /* with its NUL */

static inline const char *signal_name(enum signal signal)
{
    static const char *const names[SIGNALS] = {"metrics", "logs"};
    return names[signal];
}

static inline const char *signal_path(enum signal signal)
{
    static const char *const paths[SIGNALS] = {"/v1/metrics", "/v1/logs"};
    return paths[signal];
}

#endif
