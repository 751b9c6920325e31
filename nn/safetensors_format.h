/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader and the writer of safetensors both know of the format. */
#ifndef LOWBIT_NN_SAFETENSORS_FORMAT_H_
#define LOWBIT_NN_SAFETENSORS_FORMAT_H_

enum {
    LB_SAFETENSORS_PREFIX = 8,         /* bytes of the header's length */
    LB_SAFETENSORS_HEADER = 100000000, /* longest header, as in the format's own library */
    LB_SAFETENSORS_ALIGN = 64          /* where the data of files that we write begin */
};

#define LB_SAFETENSORS_METADATA "__metadata__"

#endif
