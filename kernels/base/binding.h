/* SPDX-License-Identifier: Apache-2.0 */
/* Which CPU each worker of our own pool belongs on. */
#ifndef LOWBIT_KERNELS_BASE_BINDING_H_
#define LOWBIT_KERNELS_BASE_BINDING_H_

#include "kernels/base/ctx.h"
#include "lowbit/pool.h"

/* Worker w belongs on cpus[w % count]; nobody is bound where the count is 0. */
typedef struct lb_binding {
    const uint16_t *cpus; /* of the context, or of the options */
    size_t count;
} lb_binding;

/* Reads the options' bind, cpus and cpu_count; refuses a kind that it does not know, and a list that is empty or has a
 * CPU that the context may not use. */
lowbit_status lb_binding_of(const lowbit_ctx *ctx, const lowbit_pool_options *options, lb_binding *binding,
                            lowbit_error *error);

/* Different CPUs that so many bound workers have, the caller's among them. */
size_t lb_binding_cpus(const lb_binding *binding, size_t threads);

#endif
