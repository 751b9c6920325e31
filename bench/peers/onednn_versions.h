/* SPDX-License-Identifier: Apache-2.0 */
/* What versions 2 and 3 of oneDNN's C interface call differently. */
#ifndef LOWBIT_BENCH_PEERS_ONEDNN_VERSIONS_H_
#define LOWBIT_BENCH_PEERS_ONEDNN_VERSIONS_H_

#include <oneapi/dnnl/dnnl.h>

#if DNNL_VERSION_MAJOR >= 3

typedef const_dnnl_memory_desc_t lb_dnnl_ref;

static inline lb_dnnl_ref lb_dnnl_ref_of(const dnnl_memory_desc_t *desc) { return *desc; }

static inline dnnl_status_t lb_dnnl_describe(dnnl_memory_desc_t *desc, int rank, const dnnl_dims_t dims,
                                             dnnl_data_type_t type, dnnl_format_tag_t tag) {
    return dnnl_memory_desc_create_with_tag(desc, rank, dims, type, tag);
}

static inline void lb_dnnl_forget(dnnl_memory_desc_t *desc) { dnnl_memory_desc_destroy(*desc); }

static inline dnnl_status_t lb_dnnl_matmul(dnnl_primitive_desc_t *matmul, dnnl_engine_t engine,
                                           const dnnl_memory_desc_t desc[3], const_dnnl_primitive_attr_t attr) {
    return dnnl_matmul_primitive_desc_create(matmul, engine, desc[0], desc[1], NULL, desc[2], attr);
}

/* Version 3 wants to know that there is a zero point, and the value with each call; version 2 the value at once. */
static inline dnnl_status_t lb_dnnl_zero_of_a(dnnl_primitive_attr_t attr, int32_t zero) {
    (void)zero;
    return dnnl_primitive_attr_set_zero_points_mask(attr, DNNL_ARG_SRC, 0);
}

#else

typedef const dnnl_memory_desc_t *lb_dnnl_ref;

static inline lb_dnnl_ref lb_dnnl_ref_of(const dnnl_memory_desc_t *desc) { return desc; }

static inline dnnl_status_t lb_dnnl_describe(dnnl_memory_desc_t *desc, int rank, const dnnl_dims_t dims,
                                             dnnl_data_type_t type, dnnl_format_tag_t tag) {
    return dnnl_memory_desc_init_by_tag(desc, rank, dims, type, tag);
}

static inline void lb_dnnl_forget(dnnl_memory_desc_t *desc) { (void)desc; }

static inline dnnl_status_t lb_dnnl_matmul(dnnl_primitive_desc_t *matmul, dnnl_engine_t engine,
                                           const dnnl_memory_desc_t desc[3], const_dnnl_primitive_attr_t attr) {
    dnnl_matmul_desc_t what;
    const dnnl_status_t status = dnnl_matmul_desc_init(&what, &desc[0], &desc[1], NULL, &desc[2]);
    return status ? status : dnnl_primitive_desc_create(matmul, &what, attr, engine, NULL);
}

static inline dnnl_status_t lb_dnnl_zero_of_a(dnnl_primitive_attr_t attr, int32_t zero) {
    return dnnl_primitive_attr_set_zero_points(attr, DNNL_ARG_SRC, 1, 0, &zero);
}

#endif

#endif
