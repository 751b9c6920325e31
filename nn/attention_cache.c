/* SPDX-License-Identifier: Apache-2.0 */
/* Caches of attention: a store for each head of k and v, and how many tokens it holds. */
#include "nn/attention_plan.h"

static const char kWhat[] = "a cache of attention";

lowbit_status lb_attention_cache_create(const lb_attention *attention, lb_attention_cache **cache,
                                        lowbit_error *error) {
    lb_blocks memory = NULL;
    void *taken, *stores;
    LB_TRY(lb_blocks_need(&memory, (int64_t)sizeof(lb_attention_cache), kWhat, &taken, error));
    lb_attention_cache *c = taken;
    *c = (lb_attention_cache){
        .layout = attention->store, .kv_heads = attention->shape.kv_heads, .kind = attention->kind, .memory = memory};
    const lowbit_status status = lb_blocks_need(&c->memory, c->kv_heads * c->layout.bytes, kWhat, &stores, error);
    if (status != LOWBIT_OK) {
        lb_attention_cache_destroy(c);
        return status;
    }
    c->stores = stores;
    *cache = c;
    return LOWBIT_OK;
}

void lb_attention_cache_destroy(lb_attention_cache *cache) {
    if (!cache) return;
    lb_blocks memory = cache->memory;
    lb_blocks_free(&memory);
}

int64_t lb_attention_cache_bytes(const lb_attention_cache *cache) { return cache->kv_heads * cache->layout.bytes; }

int64_t lb_attention_cache_length(const lb_attention_cache *cache) { return cache->length; }

lowbit_status lb_attention_cache_rewind(lb_attention_cache *cache, int64_t length, lowbit_error *error) {
    LB_REQUIRE(length >= 0 && length <= cache->length, error, LOWBIT_INVALID_ARGUMENT,
               "back to %lld tokens; there are %lld", (long long)length, (long long)cache->length);
    cache->length = length;
    return LOWBIT_OK;
}
