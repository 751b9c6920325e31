/* SPDX-License-Identifier: Apache-2.0 */
/* Where the floor nn is not built: static cross builds, which have no jansson, libpng and libjpeg. */
#include "tests/check.h"

#define ABSENT(name)                                                                                                   \
    void subject_##name(void) { check_skip("this build has no nn (LOWBIT_BUILD_PROGRAM)"); }

ABSENT(cifar)
ABSENT(cifar_data)
ABSENT(graph)
ABSENT(graph_fuse)
ABSENT(image)
ABSENT(image_damaged)
ABSENT(image_folder)
ABSENT(image_resize)
ABSENT(safetensors)
ABSENT(safetensors_data)
ABSENT(safetensors_refusals)
ABSENT(safetensors_write)
ABSENT(zoo)
ABSENT(zoo_data)
ABSENT(zoo_files)
