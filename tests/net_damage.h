/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged files of packed networks. */
#ifndef LOWBIT_TESTS_NET_DAMAGE_H_
#define LOWBIT_TESTS_NET_DAMAGE_H_

/* Opens a file, which must go well, and then copies of it with one bit flipped or the end cut off, which must not. */
void net_damage_check(const char *path);

/* Opens a copy in which the first `from` is `to`, of the same length, and the sum is right; which must not go well. '
 * stands for the quotes of the graph's JSON. */
void net_damage_word(const char *path, const char *from, const char *to);

#endif
