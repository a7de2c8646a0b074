/*
 * Memory allocation that never fails: the functions log and exit with code 2 instead of
 * returning NULL; the service manager restarts the agent, and the spool is on disk.
 * Release memory with free(). Callers must limit sizes that come from outside.
 */
#ifndef EDGELAT_BASE_MEM_H
#define EDGELAT_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);                /* not initialised */
void *mem_zalloc(size_t size);               /* all zero */
void *mem_resize(void *memory, size_t size); /* realloc(); NULL allocates */
void *mem_grow(void *memory, size_t *room, size_t need, size_t element); /* see below */
void *mem_fit(void *memory, size_t *room, size_t need, size_t element);
void *mem_copy(const void *from, size_t size);
char *mem_string(const char *from); /* strdup() */

/*
 * mem_grow() resizes an array by doubling. `*room` is its capacity in elements of
 * `element` bytes (0 with NULL), `need` the required one. Returns the array, which may
 * have moved, and updates `*room`. mem_fit() resizes to just `need`: for arrays that there
 * are hundreds of, and that seldom grow.
 */

#endif
