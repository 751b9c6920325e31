/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a node of a packed network, as JSON has them. */
#ifndef LOWBIT_NN_NET_FIELDS_H_
#define LOWBIT_NN_NET_FIELDS_H_

#include <jansson.h>

#include "nn/net_json.h"

/* An integer of a range, and `otherwise` where there is none; false for anything else. */
bool lb_json_integer(const json_t *object, const char *key, int64_t least, int64_t most, int64_t otherwise,
                     int64_t *value);

/* Everything about node v but its tensors and its formats; of an attention also its kind. The name is the JSON's. False
 * where a field is missing, unknown or out of its range; what fields mean together is for lb_graph_append to judge. */
bool lb_net_fields(const json_t *json, lb_value v, lb_node *node, uint32_t *kind, lb_range *range);

#endif
