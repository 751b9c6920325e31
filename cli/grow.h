/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that grow by one. */
#ifndef LOWBIT_CLI_GROW_H_
#define LOWBIT_CLI_GROW_H_

#include <stddef.h>
#include <stdlib.h>

/* The list of `count` elements of `size` bytes, moved where it had no room for one more; *room is what it has then.
 * NULL: no memory, and the list is what it was. */
static inline void *lb_grow(void *list, size_t count, size_t *room, size_t size) {
    if (count < *room) return list;
    const size_t more = *room ? 2 * *room : 64;
    void *grown = realloc(list, more * size);
    if (grown) *room = more;
    return grown;
}

#endif
