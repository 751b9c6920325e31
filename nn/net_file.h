/* SPDX-License-Identifier: Apache-2.0 */
/* Packed networks in files: safetensors whose tensors are our blobs, and whose metadata is the graph. A file is mapped,
 * not read: it is ready at once, and processes share it.
 *
 *     metadata  lowbit.net     JSON: {"version": 1, "nodes": [...]}, docs/models.md has every field
 *               lowbit.model   name of the model
 *               lowbit.recipe  the recipe in its normal form
 *               lowbit.tokenizer   of networks that take texts: "wordpiece", or "wordpiece-cased"
 *               lowbit.check   a sum of all this and of all tensors but the blobs, which have their own
 *     tensors   pixels         F32 [3][256]: what the network sees of an 8-bit colour
 *               vocabulary     U8: the bytes of vocab.txt, of networks that take texts
 *               N.packed.G     U8: blob of matrix G of node N
 *               N.column_sums.G, N.tap_sums.G   I32
 *               N.bias, N.weights   F32: of nodes that have them (docs/models.md)
 *               N.shifts       I8
 *               N.codes, N.scales   U8, F32: of embeddings that are no floats
 *
 * Foreign bytes: what does not add up is refused with a reason. */
#ifndef LOWBIT_NN_NET_FILE_H_
#define LOWBIT_NN_NET_FILE_H_

#include "nn/net.h"
#include "nn/pixels.h"
#include "nn/text_input.h"

/* What a file says beside the network. Texts live as long as the net. */
typedef struct lb_net_about {
    const char *model, *recipe;
    lb_pixels pixels; /* of images */
    lb_pieces pieces; /* of texts, or none */
} lb_net_about;

/* Replaces `path` as a whole. LOWBIT_IO, LOWBIT_NO_MEMORY. */
lowbit_status lb_net_save(const lb_net *net, const lb_net_about *about, const char *path, lowbit_error *error);

/* Whether a file is a packed network. */
bool lb_net_is_packed(const lb_safetensors *file);

/* Maps a packed network. Every node, shape, size, header and sum is checked; the weights themselves are read only with
 * LOWBIT_OPEN_VERIFY in flags, against the sums of their blobs. Statuses of lb_safetensors_open, LOWBIT_BAD_FORMAT,
 * LOWBIT_UNSUPPORTED (a version or a layer that is not known here). */
lowbit_status lb_net_open(const char *path, uint32_t flags, lb_net *net, lb_net_about *about, lowbit_error *error);

/* The same for a file that is open already, which becomes the net's, also if that fails. */
lowbit_status lb_net_read(lb_safetensors *file, uint32_t flags, lb_net *net, lb_net_about *about, lowbit_error *error);

#endif
