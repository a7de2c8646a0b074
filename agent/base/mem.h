/*
 * Memory that is always there: no memory is fatal. The functions log and end the
 * process with exit code 2 instead of returning NULL; the service manager restarts the
 * agent and the spool is on disk. Memory from here is given back with free(). Sizes that come from outside are bounded before
 * they get here.
 */
#ifndef EDGELAT_BASE_MEM_H
#define EDGELAT_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);                /* not initialised */
void *mem_zalloc(size_t size);               /* all zero */
void *mem_resize(void *memory, size_t size); /* realloc(); NULL is a new one */
void *mem_grow(void *memory, size_t *room, size_t need, size_t element); /* see below */
void *mem_copy(const void *from, size_t size);
char *mem_string(const char *from); /* strdup() */

/*
 * mem_grow: an array that grows by doubling. `*room` is how many elements of `element`
 * bytes fit today (0 with NULL), `need` how many must; returns the array, moved or not,
 * and updates `*room`.
 */

#endif
