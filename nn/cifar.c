/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/cifar.h"

#include "kernels/base/base.h"

/* The two kinds of records. */
static const struct kind {
    int32_t classes, label_bytes;
    uint8_t limits[2]; /* labels lie below; the class comes last */
} kKinds[] = {{10, 1, {10, 0}}, {100, 2, {20, 100}}};

static int64_t record_bytes(const struct kind *kind) { return kind->label_bytes + LB_CIFAR_BYTES; }

static const struct kind *kind_of(int32_t classes) { return &kKinds[classes == kKinds[1].classes]; }

static const uint8_t *record(const lb_cifar *cifar, int64_t i) {
    return cifar->mapped.bytes + i * record_bytes(kind_of(cifar->classes));
}

static lowbit_status find_kind(size_t length, int32_t classes, const struct kind **found, lowbit_error *error) {
    LB_REQUIRE(classes == 0 || classes == kKinds[0].classes || classes == kKinds[1].classes, error,
               LOWBIT_INVALID_ARGUMENT, "CIFAR has 10 or 100 classes, not %d", (int)classes);
    size_t fitting = 0;
    for (size_t i = 0; i < LB_COUNT(kKinds); i++) {
        if (classes != 0 && kKinds[i].classes != classes) continue;
        if (length == 0 || length % (size_t)record_bytes(&kKinds[i]) != 0) continue;
        *found = &kKinds[i];
        fitting++;
    }
    LB_REQUIRE(fitting > 0, error, LOWBIT_BAD_FORMAT, "%zu bytes are no multiple of the %s bytes of a CIFAR%s record",
               length,
               classes == 0    ? "3073 or 3074"
               : classes == 10 ? "3073"
                               : "3074",
               classes == 0    ? ""
               : classes == 10 ? "-10"
                               : "-100");
    LB_REQUIRE(fitting == 1, error, LOWBIT_BAD_FORMAT, "%zu bytes may be CIFAR-10 or CIFAR-100: say which", length);
    return LOWBIT_OK;
}

lowbit_status lb_cifar_parse(const uint8_t *bytes, size_t length, int32_t classes, lb_cifar *cifar,
                             lowbit_error *error) {
    const struct kind *kind = NULL;
    *cifar = (lb_cifar){.count = 0};
    LB_TRY(find_kind(length, classes, &kind, error));
    const int64_t size = record_bytes(kind), count = (int64_t)length / size;
    for (int64_t i = 0; i < count; i++)
        for (int b = 0; b < kind->label_bytes; b++)
            LB_REQUIRE(bytes[i * size + b] < kind->limits[b], error, LOWBIT_BAD_FORMAT,
                       "image %lld has the label %d, CIFAR-%d has %d there", (long long)i, bytes[i * size + b],
                       (int)kind->classes, kind->limits[b]);
    *cifar = (lb_cifar){{bytes, length}, kind->classes, count};
    return LOWBIT_OK;
}

lowbit_status lb_cifar_open(const char *path, int32_t classes, lb_cifar *cifar, lowbit_error *error) {
    lb_mapped mapped;
    lowbit_error reason = LOWBIT_ERROR_INIT;
    *cifar = (lb_cifar){.count = 0};
    LB_TRY(lb_map_file(path, &mapped, error));
    const lowbit_status status = lb_cifar_parse(mapped.bytes, mapped.length, classes, cifar, &reason);
    if (status == LOWBIT_OK) return status;
    lb_unmap(&mapped);
    return lb_fail(error, status, "%.80s: %s", path, reason.message);
}

void lb_cifar_close(lb_cifar *cifar) {
    lb_unmap(&cifar->mapped);
    *cifar = (lb_cifar){.count = 0};
}

int32_t lb_cifar_label(const lb_cifar *cifar, int64_t i) {
    return record(cifar, i)[kind_of(cifar->classes)->label_bytes - 1];
}

const uint8_t *lb_cifar_planes(const lb_cifar *cifar, int64_t i) {
    return record(cifar, i) + kind_of(cifar->classes)->label_bytes;
}

void lb_cifar_floats(const lb_cifar *cifar, int64_t first, int64_t count, const lb_pixels *pixels, float *out) {
    for (int64_t i = 0; i < count; i++)
        lb_pixels_floats(pixels, lb_cifar_planes(cifar, first + i), LB_CIFAR_PIXELS, 1, LB_CIFAR_PIXELS,
                         out + i * LB_CIFAR_BYTES);
}
