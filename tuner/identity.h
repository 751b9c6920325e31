/* SPDX-License-Identifier: Apache-2.0 */
/* Who a machine is to wisdom: everything that a decision may hang on, as words. Two machines with the same words share
 * decisions. */
#ifndef LOWBIT_TUNER_IDENTITY_H_
#define LOWBIT_TUNER_IDENTITY_H_

#include "kernels/base/ctx.h"

enum { LB_IDENTITY_TEXT = 512 };

/* "vendor=AuthenticAMD family=25 model=17 stepping=1 isa=scalar,sse4,... l1=32768 l2=1048576 l3=33554432 cpus=2
 * cores=2 kinds=1 guest=1": of the machine report, and the levels that the context enables, since one with fewer of
 * them decides otherwise. */
void lb_identity_print(const lowbit_ctx *ctx, char text[LB_IDENTITY_TEXT]);

/* The CPU's name as one word. Not part of the identity: it is for people. */
void lb_identity_name(const lowbit_ctx *ctx, char name[LB_IDENTITY_TEXT]);

#endif
