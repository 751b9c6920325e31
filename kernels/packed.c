/* SPDX-License-Identifier: Apache-2.0 */
/* The packed blob: header, packing, opening, unpacking. docs/formats.md has the header byte by byte. */
#include <string.h>

#include "kernels/base/ctx.h"
#include "kernels/base/pool.h"
#include "kernels/formats/scale.h"
#include "kernels/layout.h"
#include "kernels/weights.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "blobs are little endian");

enum { VERSION = 1 };

typedef struct header {
    char magic[8];
    uint16_t version, header_bytes;
    uint8_t bits, format, scale_type, offset;
    uint64_t n;
    uint32_t k, group; /* group 0 = one scale a row */
    uint64_t bytes;    /* the whole blob */
    uint64_t payload;  /* checksum of everything behind the header */
    uint32_t alignment;
    uint8_t progressive, reserved[3];
    uint64_t checksum; /* of the bytes before it */
} header;

_Static_assert(sizeof(header) == LB_HEADER_BYTES, "the header is one line");

static const char kMagic[8] = {'L', 'O', 'W', 'B', 'I', 'T', 'P', 'K'};

/* FNV-1a over `unit`-byte steps. Each step is a bijection of the state, so one changed unit always changes the sum. */
static uint64_t fnv1a(const void *data, int64_t bytes) {
    const uint8_t *p = data;
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (int64_t i = 0; i < bytes; i++) sum = (sum ^ p[i]) * UINT64_C(0x100000001b3);
    return sum;
}

/* The same idea on eight independent 64-bit lanes, for speed: `bytes` is a multiple of 64. */
static uint64_t payload_sum(const uint8_t *data, int64_t bytes) {
    uint64_t lanes[8];
    for (int i = 0; i < 8; i++) lanes[i] = UINT64_C(0xcbf29ce484222325) + (uint64_t)i;
    for (int64_t at = 0; at < bytes; at += LB_LINE) {
        uint64_t words[8];
        memcpy(words, data + at, sizeof words);
        for (int i = 0; i < 8; i++) lanes[i] = (lanes[i] ^ words[i]) * UINT64_C(0x100000001b3);
    }
    return fnv1a(lanes, sizeof lanes);
}

lowbit_status lowbit_packed_size(const lowbit_weight_type *type, int64_t n, int64_t k, int64_t *bytes,
                                 lowbit_error *error) {
    LB_REQUIRE(bytes, error, LOWBIT_INVALID_ARGUMENT, "bytes is NULL");
    lb_layout layout;
    LB_TRY(lb_layout_of(type, n, k, &layout, error));
    *bytes = layout.bytes;
    return LOWBIT_OK;
}

/* ---- packing ---- */

typedef struct pack_job {
    const lowbit_weights *weights;
    const lb_format *format;
    lb_layout layout;
    uint8_t *blob;
} pack_job;

/* Where the entry of row n and group g of `groups` stands in a section [panel][groups][16]. */
static int64_t entry_of(int64_t n, int64_t g, int64_t groups) {
    return (n / LB_PANEL * groups + g) * LB_PANEL + n % LB_PANEL;
}

static void pack_scales(const pack_job *job, int64_t n) {
    const lowbit_weights *w = job->weights;
    const uint32_t type = w->type.scale_type;
    const lb_layout *l = &job->layout;
    for (int64_t g = 0; g < l->scale_groups; g++)
        lb_scale_store(type, job->blob + l->scales, entry_of(n, g, l->scale_groups),
                       w->scales[lb_scale_index(w, n, g)]);
    for (int64_t g = 0; g < l->groups; g++) {
        const int64_t from = lb_group_index(w, n, g), to = entry_of(n, g, l->groups);
        if (l->zeros) job->blob[l->zeros + to] = w->zeros[from];
        if (l->mins) lb_scale_store(type, job->blob + l->mins, to, w->mins[from]);
        if (l->multipliers) job->blob[l->multipliers + to] = w->multipliers[from];
    }
}

static void pack_task(void *arg, size_t i, size_t worker) {
    (void)worker;
    const pack_job *job = arg;
    const lowbit_weights *w = job->weights;
    const int64_t panel = (int64_t)i, first = panel * LB_PANEL, rows = lb_min(LB_PANEL, w->n - first);
    uint8_t *lines = job->blob + LB_HEADER_BYTES + panel * job->layout.panel_lines * LB_LINE;
    const int64_t bytes = lb_codings[job->format->coding].element_bytes;
    lb_pack_panel(job->format, w->codes + first * w->stride * bytes, w->stride, rows, w->k, lines);
    for (int64_t r = 0; r < rows; r++) pack_scales(job, first + r);
}

static uint32_t largest_code(const uint8_t *codes, int64_t count) {
    uint8_t largest = 0;
    for (int64_t i = 0; i < count; i++) largest = codes[i] > largest ? codes[i] : largest;
    return largest;
}

static lowbit_status check_codes(const lowbit_weights *w, const lb_format *f, lowbit_error *error) {
    for (int64_t r = 0; !lb_is_float(f) && f->codes < 256 && r < w->n; r++) {
        const uint32_t largest = largest_code(w->codes + r * w->stride, w->k);
        LB_REQUIRE(largest < f->codes, error, LOWBIT_INVALID_ARGUMENT, "row %lld has code %u; %s has codes 0 to %u",
                   (long long)r, largest, f->name, f->codes - 1u);
    }
    return LOWBIT_OK;
}

static header header_of(const lowbit_weights *w, const lb_format *f, const lb_layout *layout, uint64_t payload) {
    header h = {.version = VERSION,
                .header_bytes = LB_HEADER_BYTES,
                .bits = (uint8_t)lb_bits(f),
                .format = f->id,
                .scale_type = (uint8_t)w->type.scale_type,
                .offset = (uint8_t)w->type.offset,
                .n = (uint64_t)w->n,
                .k = (uint32_t)w->k,
                .group = w->type.group > 0 ? (uint32_t)w->type.group : 0,
                .bytes = (uint64_t)layout->bytes,
                .payload = payload,
                .alignment = LB_LINE,
                .progressive = (uint8_t)w->type.progressive};
    memcpy(h.magic, kMagic, sizeof kMagic);
    h.checksum = fnv1a(&h, offsetof(header, checksum));
    return h;
}

lowbit_status lowbit_pack(const lowbit_ctx *ctx, const lowbit_weights *weights, void *blob, int64_t size,
                          const lowbit_pool *pool, lowbit_error *error) {
    LB_REQUIRE(ctx && blob, error, LOWBIT_INVALID_ARGUMENT, "ctx or blob is NULL");
    LB_REQUIRE((uintptr_t)blob % LB_LINE == 0, error, LOWBIT_INVALID_ARGUMENT, "blob is not aligned to %d bytes",
               LB_LINE);
    LB_TRY(lb_check_weights(weights, error));
    LB_TRY(lb_check_pool(pool, error));
    pack_job job = {.weights = weights, .format = lb_format_of(weights->type.format), .blob = blob};
    LB_TRY(lb_layout_of(&weights->type, weights->n, weights->k, &job.layout, error));
    LB_REQUIRE(size >= job.layout.bytes, error, LOWBIT_TOO_SMALL, "blob has %lld bytes, packing needs %lld",
               (long long)size, (long long)job.layout.bytes);
    LB_TRY(check_codes(weights, job.format, error));

    memset(job.blob, 0, LB_HEADER_BYTES);
    memset(job.blob + job.layout.scales, 0, (size_t)(job.layout.bytes - job.layout.scales));
    lb_parallel_for(pool, (size_t)job.layout.panels, pack_task, &job);
    if (job.layout.book) memcpy(job.blob + job.layout.book, lb_book_of(weights), LB_BOOK);
    const uint64_t payload = payload_sum(job.blob + LB_HEADER_BYTES, job.layout.bytes - LB_HEADER_BYTES);
    const header h = header_of(weights, job.format, &job.layout, payload);
    memcpy(blob, &h, sizeof h);
    return LOWBIT_OK;
}

/* ---- opening ---- */

static lowbit_status check_header(const header *h, int64_t size, lowbit_error *error) {
    LB_REQUIRE(memcmp(h->magic, kMagic, sizeof kMagic) == 0, error, LOWBIT_BAD_FORMAT,
               "not a packed blob: the magic is wrong");
    LB_REQUIRE(h->version == VERSION, error, LOWBIT_BAD_FORMAT, "blob version %u; this library reads %d", h->version,
               VERSION);
    LB_REQUIRE(h->checksum == fnv1a(h, offsetof(header, checksum)), error, LOWBIT_BAD_FORMAT,
               "the header's checksum does not match: the blob is damaged");
    LB_REQUIRE(h->header_bytes == LB_HEADER_BYTES && h->alignment == LB_LINE && !h->reserved[0] && !h->reserved[1] &&
                   !h->reserved[2],
               error, LOWBIT_BAD_FORMAT, "header size, alignment or reserved bytes are not those of version %d",
               VERSION);
    LB_REQUIRE(h->n <= INT32_MAX && h->group <= INT32_MAX, error, LOWBIT_BAD_FORMAT, "N or group is out of range");
    LB_REQUIRE(h->bytes <= (uint64_t)size, error, LOWBIT_BAD_FORMAT, "the blob states %llu bytes, %lld are here",
               (unsigned long long)h->bytes, (long long)size);
    return LOWBIT_OK;
}

/* The sections that the header implies must be those that it states. */
static lowbit_status check_layout(const header *h, const lowbit_weight_type *type, lb_layout *layout,
                                  lowbit_error *error) {
    lowbit_error why = LOWBIT_ERROR_INIT;
    LB_REQUIRE(lb_layout_of(type, (int64_t)h->n, h->k, layout, &why) == LOWBIT_OK, error, LOWBIT_BAD_FORMAT,
               "header: %s", why.message);
    LB_REQUIRE(h->bits == lb_bits(lb_format_of(type->format)), error, LOWBIT_BAD_FORMAT,
               "header: width %u is not that of format %u", h->bits, h->format);
    LB_REQUIRE(h->bytes == (uint64_t)layout->bytes, error, LOWBIT_BAD_FORMAT,
               "header: %llu bytes stated, %lld follow from the shape", (unsigned long long)h->bytes,
               (long long)layout->bytes);
    return LOWBIT_OK;
}

/* Those of a hostile blob must not lead a kernel beyond int8, so all of them are looked at, those of padding columns
 * too: a byte for each group of a row, 1/17 of i4g32p. */
static lowbit_status check_multipliers(const lowbit_weight_type *type, const lb_layout *layout, const uint8_t *blob,
                                       lowbit_error *error) {
    if (!layout->multipliers) return LOWBIT_OK;
    return lb_check_multipliers(type, blob + layout->multipliers, layout->zeros ? blob + layout->zeros : NULL,
                                layout->panels * layout->groups * LB_PANEL, LOWBIT_BAD_FORMAT, error);
}

/* A format with a book of its own has no other. */
static lowbit_status check_book(const lb_format *f, const lb_layout *layout, const uint8_t *blob, lowbit_error *error) {
    LB_REQUIRE(!f->book || memcmp(blob + layout->book, f->book, LB_BOOK) == 0, error, LOWBIT_BAD_FORMAT,
               "the blob's book is not that of %s", f->name);
    return LOWBIT_OK;
}

lowbit_status lowbit_packed_open(const void *blob, int64_t size, uint32_t flags, lowbit_packed *packed,
                                 lowbit_error *error) {
    LB_REQUIRE(blob && packed && LB_HAS_FIELD(packed, lowbit_packed, book), error, LOWBIT_INVALID_ARGUMENT,
               "blob or packed is NULL, or packed's struct_size is too small");
    LB_REQUIRE((uintptr_t)blob % LB_LINE == 0, error, LOWBIT_INVALID_ARGUMENT, "blob is not aligned to %d bytes",
               LB_LINE);
    LB_REQUIRE(flags <= LOWBIT_OPEN_VERIFY, error, LOWBIT_INVALID_ARGUMENT, "flags 0x%x are unknown", flags);
    LB_REQUIRE(size >= LB_HEADER_BYTES, error, LOWBIT_BAD_FORMAT, "%lld bytes are no packed blob", (long long)size);
    header h;
    memcpy(&h, blob, sizeof h);
    LB_TRY(check_header(&h, size, error));
    const lowbit_weight_type type = {.struct_size = sizeof type,
                                     .format = h.format,
                                     .offset = h.offset,
                                     .scale_type = h.scale_type,
                                     .group = (int32_t)h.group,
                                     .progressive = h.progressive};
    lb_layout layout;
    LB_TRY(check_layout(&h, &type, &layout, error));
    const uint8_t *bytes = blob;
    LB_TRY(check_multipliers(&type, &layout, bytes, error));
    LB_TRY(check_book(lb_format_of(type.format), &layout, bytes, error));
    LB_REQUIRE(!(flags & LOWBIT_OPEN_VERIFY) ||
                   h.payload == payload_sum(bytes + LB_HEADER_BYTES, layout.bytes - LB_HEADER_BYTES),
               error, LOWBIT_BAD_FORMAT, "the payload's checksum does not match: the blob is damaged");
    *packed = (lowbit_packed){.struct_size = packed->struct_size,
                              .type = type,
                              .n = (int64_t)h.n,
                              .k = h.k,
                              .groups = layout.groups,
                              .bytes = layout.bytes,
                              .lines = bytes + LB_HEADER_BYTES,
                              .panel_lines = layout.panel_lines,
                              .scales = layout.scale_groups ? bytes + layout.scales : NULL,
                              .zeros = layout.zeros ? bytes + layout.zeros : NULL,
                              .mins = layout.mins ? bytes + layout.mins : NULL,
                              .multipliers = layout.multipliers ? bytes + layout.multipliers : NULL,
                              .book = layout.book ? (const int8_t *)bytes + layout.book : NULL};
    return LOWBIT_OK;
}

/* ---- unpacking ---- */

lowbit_status lowbit_unpack(const lowbit_ctx *ctx, const lowbit_packed *packed, lowbit_weights *weights,
                            lowbit_error *error) {
    LB_REQUIRE(ctx && packed && LB_HAS_FIELD(packed, lowbit_packed, book) && packed->lines, error,
               LOWBIT_INVALID_ARGUMENT, "ctx is NULL, or packed is not an opened blob");
    LB_REQUIRE(weights && LB_HAS_FIELD(weights, lowbit_weights, book), error, LOWBIT_INVALID_ARGUMENT,
               "weights is NULL or its struct_size is too small");
    lowbit_weights made = {.struct_size = weights->struct_size, .type = packed->type, .n = packed->n, .k = packed->k};
    LB_TRY(lb_weights_alloc(ctx, &made, error));
    const lb_format *f = lb_format_of(packed->type.format);
    const int64_t groups = packed->groups, element_bytes = lb_codings[f->coding].element_bytes;
    const int64_t scale_groups = lb_scale_groups(&made.type, made.k);
    for (int64_t n = 0; n < made.n; n++) {
        for (int64_t k = 0; k < made.k; k++) {
            const uint32_t element = lb_element_at(f, packed->lines, packed->panel_lines, n, k);
            memcpy(made.codes + (n * made.stride + k) * element_bytes, &element, (size_t)element_bytes);
        }
        for (int64_t g = 0; g < scale_groups; g++)
            made.scales[n * scale_groups + g] =
                lb_scale_load(packed->type.scale_type, packed->scales, entry_of(n, g, scale_groups));
        for (int64_t g = 0; g < groups; g++) {
            const int64_t from = entry_of(n, g, groups), to = n * groups + g;
            if (made.zeros) made.zeros[to] = packed->zeros[from];
            if (made.mins) made.mins[to] = lb_scale_load(packed->type.scale_type, packed->mins, from);
            if (made.multipliers) made.multipliers[to] = packed->multipliers[from];
        }
    }
    if (packed->book) memcpy(made.book, packed->book, LB_BOOK);
    *weights = made;
    return LOWBIT_OK;
}
