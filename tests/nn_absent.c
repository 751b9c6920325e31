/* SPDX-License-Identifier: Apache-2.0 */
/* Where the floor nn is not built: static cross builds, which have no jansson, libpng and libjpeg. */
#include "tests/check.h"

#define ABSENT(name)                                                                                                   \
    void subject_##name(void) { check_skip("this build has no nn (LOWBIT_BUILD_PROGRAM)"); }

ABSENT(cifar)
ABSENT(cifar_data)
ABSENT(image)
ABSENT(image_damaged)
ABSENT(image_folder)
ABSENT(image_resize)
ABSENT(observe)
ABSENT(observe_ends)
ABSENT(observe_ranges)
ABSENT(recipe)
ABSENT(recipe_apply)
ABSENT(recipe_docs)
ABSENT(recipe_patterns)
ABSENT(recipe_read)
ABSENT(recipe_refusals)
ABSENT(safetensors)
ABSENT(safetensors_data)
ABSENT(safetensors_refusals)
ABSENT(safetensors_write)
