/* SPDX-License-Identifier: Apache-2.0 */
/* Where the floor nn is not built: static cross builds, which have no jansson, libpng, libjpeg and utf8proc. */
#include "tests/check.h"

#define ABSENT(name)                                                                                                   \
    void subject_##name(void) { check_skip("this build has no nn (LOWBIT_BUILD_PROGRAM)"); }

ABSENT(cifar)
ABSENT(cifar_data)
ABSENT(image)
ABSENT(image_damaged)
ABSENT(image_folder)
ABSENT(image_resize)
ABSENT(metrics)
ABSENT(safetensors)
ABSENT(safetensors_data)
ABSENT(safetensors_refusals)
ABSENT(safetensors_write)
ABSENT(tsv)
ABSENT(tsv_data)
ABSENT(tsv_refusals)
ABSENT(wordpiece)
ABSENT(wordpiece_data)
ABSENT(wordpiece_vocabulary)
