/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of images: classes by subfolder, all in the order of their names.
 *
 *     FOLDER/cat/1.png        class 0, "cat"
 *     FOLDER/dog/a.jpg        class 1, "dog"
 *     FOLDER/x.jpeg           no class: -1 */
#ifndef LOWBIT_NN_IMAGE_FOLDER_H_
#define LOWBIT_NN_IMAGE_FOLDER_H_

#include "lowbit/types.h"

typedef struct lb_image_folder {
    char **classes; /* names of the subfolders */
    size_t class_count;
    char **paths; /* of the images, FOLDER included; those without a class come first */
    int32_t *labels;
    size_t count;
} lb_image_folder;

/* Lists files that end in .png, .jpg or .jpeg, in either case; it opens none of them. Names that begin with a dot are
 * passed over. LOWBIT_NOT_FOUND (also: no image), LOWBIT_IO, LOWBIT_NO_MEMORY. *folder needs no close after a failure.
 */
lowbit_status lb_image_folder_open(const char *path, lb_image_folder *folder, lowbit_error *error);

void lb_image_folder_close(lb_image_folder *folder);

#endif
