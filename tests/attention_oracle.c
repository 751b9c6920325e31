/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/attention_oracle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/simd/activations.h"
#include "tests/check.h"

enum { GAP = 3, MOST_HEAD = 160, MOST_TOKENS = 1400 };

/* ---- samples ---- */

int64_t attention_rows(const attention_sample *s) { return s->first[s->sequences]; }
int64_t attention_width(const attention_sample *s) { return s->shape.heads * s->shape.head; }

static int64_t kv_width(const attention_sample *s) { return s->shape.kv_heads * s->shape.head; }

void attention_sample_make(attention_sample *s, const lb_attention_shape *shape, uint32_t kind, int64_t most) {
    *s = (attention_sample){.shape = *shape, .kind = kind, .sequences = check_random_in(1, ATTENTION_SEQUENCES)};
    const int64_t longest = check_random_in(0, s->sequences - 1);
    for (int64_t i = 0; i < s->sequences; i++) {
        const int64_t rows = i == longest ? most : check_random_in(0, most);
        s->first[i + 1] = s->first[i] + rows;
    }
    s->tokens = most;
    s->stride = attention_width(s) + 2 * kv_width(s) + GAP;
    const int64_t count = attention_rows(s) * s->stride;
    s->qkv = calloc((size_t)count, sizeof *s->qkv);
    const float magnitude = check_random() % 2 ? 1.0f : 4.0f;
    for (int64_t i = 0; i < count; i++) s->qkv[i] = check_random_float(-magnitude, magnitude);
    for (int64_t i = 0; i < count / 50; i++) s->qkv[check_random_in(0, count - 1)] = 0;
}

void attention_sample_free(attention_sample *s) { free(s->qkv); }

void attention_sample_print(const attention_sample *s, const char *more) {
    static const char *const kKinds[] = {"f32", "i8", "b1"};
    const lb_attention_shape *a = &s->shape;
    check_context("%s: %lld/%lld heads of %lld, %lld tokens of %lld sequences%s, base %g%s, %s", kKinds[s->kind],
                  (long long)a->heads, (long long)a->kv_heads, (long long)a->head, (long long)s->tokens,
                  (long long)s->sequences, a->causal ? ", causal" : "", (double)a->rope_base,
                  a->rope_halves ? " halves" : "", more);
}

lb_attention_call attention_call_of(const attention_sample *s, float *out, int64_t out_stride) {
    return (lb_attention_call){.q = s->qkv,
                               .k = s->qkv + attention_width(s),
                               .v = s->qkv + attention_width(s) + kv_width(s),
                               .q_stride = s->stride,
                               .k_stride = s->stride,
                               .v_stride = s->stride,
                               .out = out,
                               .out_stride = out_stride,
                               .sequences = s->sequences,
                               .first = s->first};
}

/* ---- one head of one row ---- */

static double frequency(const lb_attention_shape *a, int64_t i) {
    return pow((double)a->rope_base, -2.0 * (double)i / (double)a->head);
}

/* Turned as a complex number, in doubles and in floats. */
static void turn(const lb_attention_shape *a, int64_t position, double *x, float *y) {
    for (int64_t i = 0; a->rope_base > 0 && i < a->head / 2; i++) {
        const int64_t r = a->rope_halves ? i : 2 * i, j = a->rope_halves ? i + a->head / 2 : 2 * i + 1;
        const double angle = (double)position * frequency(a, i), re = x[r], im = x[j];
        const float c = (float)cos(angle), z = (float)sin(angle), fre = y[r], fim = y[j];
        x[r] = re * cos(angle) - im * sin(angle), x[j] = re * sin(angle) + im * cos(angle);
        y[r] = fre * c - fim * z, y[j] = fre * z + fim * c;
    }
}

/* A head of a row, times a factor, and turned. */
typedef struct head_row {
    double x[MOST_HEAD];
    float y[MOST_HEAD];
} head_row;

static void load(const attention_sample *s, const float *from, float factor, int64_t position, head_row *to) {
    for (int64_t e = 0; e < s->shape.head; e++) {
        to->x[e] = (double)from[e] * (double)factor;
        to->y[e] = from[e] * factor;
    }
    if (position >= 0) turn(&s->shape, position, to->x, to->y);
}

/* What one head of one row meets: the query, and keys and values of the tokens that it sees. */
typedef struct view {
    int64_t n, head;
    head_row q, *k, *v;
} view;

static void look(const attention_sample *s, int64_t sequence, int64_t t, int64_t h, view *to) {
    const lb_attention_call c = attention_call_of(s, NULL, 0);
    const int64_t first = s->first[sequence], head = s->shape.head;
    const int64_t kv = h / (s->shape.heads / s->shape.kv_heads) * head;
    to->head = head;
    to->n = s->shape.causal ? t + 1 : s->first[sequence + 1] - first;
    load(s, c.q + (first + t) * s->stride + h * head, s->shape.scale, t, &to->q);
    for (int64_t j = 0; j < to->n; j++) {
        load(s, c.k + (first + j) * s->stride + kv, 1, j, &to->k[j]);
        load(s, c.v + (first + j) * s->stride + kv, 1, -1, &to->v[j]);
    }
}

typedef void (*law_fn)(const attention_sample *s, const view *see, int64_t at, void *to);

static void each_head(const attention_sample *s, law_fn law, void *to) {
    view see = {.k = malloc(MOST_TOKENS * sizeof(head_row)), .v = malloc(MOST_TOKENS * sizeof(head_row))};
    for (int64_t i = 0; i < s->sequences; i++)
        for (int64_t t = 0; t < s->first[i + 1] - s->first[i]; t++)
            for (int64_t h = 0; h < s->shape.heads; h++) {
                look(s, i, t, h, &see);
                law(s, &see, (s->first[i] + t) * attention_width(s) + h * s->shape.head, to);
            }
    free(see.k);
    free(see.v);
}

/* ---- the law in doubles ---- */

static double dot(const double *a, const double *b, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static double largest(const double *x, int64_t n) {
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(x[i]));
    return most;
}

/* How far a score may be from what it should be: by rounding, or by halves of a step of the codes of either side. */
static double score_bound(uint32_t kind, const view *see, int64_t j) {
    const double *q = see->q.x, *k = see->k[j].x;
    const double lengths = sqrt(dot(q, q, see->head) * dot(k, k, see->head));
    double bound = (double)(see->head + 16) * 0x1p-23 * lengths;
    const double half_q = largest(q, see->head) / 253, half_k = largest(k, see->head) / 253;
    for (int64_t e = 0; kind == LB_ATTENTION_I8 && e < see->head; e++)
        bound += fabs(q[e]) * half_k + fabs(k[e]) * half_q + half_q * half_k;
    return bound;
}

typedef struct doubles {
    double *want, *bound;
} doubles;

static void soft_law(const attention_sample *s, const view *see, int64_t at, void *to) {
    const doubles *d = to;
    static double p[MOST_TOKENS];
    double most = -INFINITY, sum = 0, off = 0, heaviest = 0, rounding = 0, greatest = 0;
    for (int64_t j = 0; j < see->n; j++) {
        p[j] = dot(see->q.x, see->k[j].x, see->head);
        most = fmax(most, p[j]);
        off = fmax(off, score_bound(s->kind, see, j));
    }
    for (int64_t j = 0; j < see->n; j++) sum += p[j] = exp(p[j] - most);
    for (int64_t j = 0; j < see->n; j++) {
        const double v = largest(see->v[j].x, see->head);
        p[j] /= sum;
        heaviest = fmax(heaviest, p[j] * v);
        rounding += p[j] * v;
        greatest = fmax(greatest, v);
    }
    /* every p is off by a factor of exp(2 off) at most; then codes of v, and of p times the scales of v */
    double bound = (exp(2 * off) - 1 + (double)(see->n + 32) * 0x1p-23) * greatest;
    if (s->kind == LB_ATTENTION_I8) bound += exp(2 * off) * (rounding / 253 + (double)see->n * heaviest / 253);
    for (int64_t e = 0; e < see->head; e++) {
        double o = 0;
        for (int64_t j = 0; j < see->n; j++) o += p[j] * see->v[j].x[e];
        d->want[at + e] = o;
        d->bound[at + e] = bound;
    }
}

static void sign_law(const attention_sample *s, const view *see, int64_t at, void *to) {
    const doubles *d = to;
    (void)s;
    for (int64_t e = 0; e < see->head; e++) d->want[at + e] = d->bound[at + e] = 0;
    for (int64_t j = 0; j < see->n; j++) {
        int agree = 0;
        for (int64_t e = 0; e < see->head; e++) agree += (see->q.y[e] < 0) == (see->k[j].y[e] < 0) ? 1 : -1;
        for (int64_t e = 0; agree > 0 && e < see->head; e++) d->want[at + e] += see->v[j].y[e] < 0 ? -1 : 1;
    }
}

void attention_law(const attention_sample *s, double *want, double *bound) {
    doubles d = {want, bound};
    each_head(s, s->kind == LB_ATTENTION_B1 ? sign_law : soft_law, &d);
}

/* ---- int8 as integers ---- */

/* Codes of a row, by its largest magnitude; returns the scale. */
static float encode(const float *x, int64_t n, int32_t *codes) {
    float most = 0;
    for (int64_t i = 0; i < n; i++) most = fmaxf(most, fabsf(x[i]));
    for (int64_t i = 0; i < n; i++) codes[i] = most < 0x1p-100f ? 0 : (int32_t)rintf(x[i] * (127 / most));
    return most < 0x1p-100f ? 0 : most / 127;
}

static float integer_dot(const int32_t *a, const int32_t *b, int64_t n) {
    int32_t sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return (float)sum;
}

static void integer_law(const attention_sample *s, const view *see, int64_t at, void *to) {
    static float w[MOST_TOKENS], scales[MOST_TOKENS];
    static int32_t q[MOST_HEAD], k[MOST_HEAD], values[MOST_TOKENS][MOST_HEAD], p[MOST_TOKENS], column[MOST_TOKENS];
    const float q_scale = encode(see->q.y, see->head, q);
    float most = -INFINITY, sums[16] = {0}, *out = to;
    (void)s;
    for (int64_t j = 0; j < see->n; j++) {
        const float k_scale = encode(see->k[j].y, see->head, k);
        scales[j] = encode(see->v[j].y, see->head, values[j]);
        w[j] = integer_dot(q, k, see->head) * k_scale * q_scale;
        most = fmaxf(most, w[j]);
    }
    for (int64_t j = 0; j < see->n; j++) {
        const float e = most - w[j] > LB_EXP_LIMIT ? 0 : lb_exp_negative(most - w[j], 0);
        sums[j % 16] += e;
        w[j] = e * scales[j];
    }
    for (int apart = 8; apart > 0; apart /= 2)
        for (int i = 0; i < apart; i++) sums[i] += sums[i + apart];
    const float p_scale = encode(w, see->n, p);
    for (int64_t e = 0; e < see->head; e++) {
        for (int64_t j = 0; j < see->n; j++) column[j] = values[j][e];
        out[at + e] = integer_dot(p, column, see->n) * p_scale / sums[0];
    }
}

void attention_integers(const attention_sample *s, float *want) { each_head(s, integer_law, want); }
