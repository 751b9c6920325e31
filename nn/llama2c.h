/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints of llama2.c, its first version ("legacy"), read in place: seven int32, then f32 matrices, all layers of a
 * kind one after the other. They are foreign bytes without a magic number or a sum; but the seven numbers say how long
 * the file is, which must be so to the byte. */
#ifndef LOWBIT_NN_LLAMA2C_H_
#define LOWBIT_NN_LLAMA2C_H_

#include "nn/config.h"
#include "nn/safetensors.h"

/* Whether the bytes begin as such a file does, and not as one of safetensors. */
bool lb_llama2c_is(const uint8_t *bytes, size_t length);

/* Finds the tensors, by the names that Hugging Face's Llama gives them ("model.layers.0.self_attn.q_proj.weight", ...;
 * no "lm_head.weight" where the file says that the classifier is the table of tokens). The tables of sines behind the
 * layers are passed over. *config gets what the file says, and what llama2.c takes for granted: heads, positions, the
 * order of rotated pairs and their base, the epsilon of norms.
 *
 * LOWBIT_BAD_FORMAT: numbers that are out of range or do not divide each other, another length. LOWBIT_NO_MEMORY,
 * statuses of lb_map_file. *file needs no close after a failure. */
lowbit_status lb_llama2c_open(const char *path, lb_safetensors *file, lb_config *config, lowbit_error *error);

/* The same for bytes of the caller, which must outlive *file. */
lowbit_status lb_llama2c_parse(const uint8_t *bytes, size_t length, lb_safetensors *file, lb_config *config,
                               lowbit_error *error);

#endif
