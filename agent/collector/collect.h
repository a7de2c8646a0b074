/*
 * What edgelat-collect does: reads the options of `edgelat collect` (cmd/collect.c),
 * receives, stores, and prints what it has decoded, until SIGTERM or SIGINT.
 */
#ifndef EDGELAT_COLLECTOR_COLLECT_H
#define EDGELAT_COLLECTOR_COLLECT_H

/* argv[0] is "collect". Returns an exit code (cmd.h); what is wrong has been said. */
int collect_run(int argc, char **argv);

#endif
