/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of ONNX Runtime on a model of one node, which its model editor builds. */
#include "bench/peers/onnx_product.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct session {
    OrtSession *session;
    OrtIoBinding *binding;
} session;

struct lb_onnx_product {
    const OrtApi *api;
    const OrtModelEditorApi *editor;
    OrtEnv *env;
    OrtThreadingOptions *threading;
    OrtSessionOptions *options;
    OrtAllocator *allocator; /* the default one, which nobody frees */
    OrtMemoryInfo *memory;
    OrtValue *input, *output;
    OrtRunOptions *run;
    session *sessions; /* [copies] */
    size_t copies;
    char *reason; /* where a failure while it is made is told, [size] */
    size_t size;
};

/* The last words of the first line where it is too long: before them stand files and functions. */
static void tell(const lb_onnx_product *p, const char *text) {
    size_t length = strcspn(text, "\n");
    if (length >= p->size) {
        text += length - (p->size - 1);
        length = p->size - 1;
        const size_t cut = strcspn(text, " ");
        if (cut < length) text += cut + 1, length -= cut + 1;
    }
    snprintf(p->reason, p->size, "%.*s", (int)length, text);
}

static bool succeeded(const lb_onnx_product *p, OrtStatus *status) {
    if (!status) return true;
    if (p->reason) tell(p, p->api->GetErrorMessage(status));
    p->api->ReleaseStatus(status);
    return false;
}

/* ---- The parts of a model. What is added to a graph belongs to it. ---- */

static OrtValueInfo *describe(const lb_onnx_product *p, const lb_onnx_tensor *t) {
    OrtTensorTypeAndShapeInfo *shape = NULL;
    OrtTypeInfo *type = NULL;
    OrtValueInfo *info = NULL;
    if (succeeded(p, p->api->CreateTensorTypeAndShapeInfo(&shape)) &&
        succeeded(p, p->api->SetTensorElementType(shape, t->type)) &&
        succeeded(p, p->api->SetDimensions(shape, t->shape, t->rank)) &&
        succeeded(p, p->editor->CreateTensorTypeInfo(shape, &type)))
        succeeded(p, p->editor->CreateValueInfo(t->name, type, &info));
    if (type) p->api->ReleaseTypeInfo(type);
    if (shape) p->api->ReleaseTensorTypeAndShapeInfo(shape);
    return info;
}

static bool add_ends(const lb_onnx_product *p, OrtGraph *graph, const lb_onnx_node *node) {
    OrtValueInfo *input = describe(p, &node->inputs[0]), *output = describe(p, &node->output);
    return input && output && succeeded(p, p->editor->SetGraphInputs(graph, &input, 1)) &&
           succeeded(p, p->editor->SetGraphOutputs(graph, &output, 1));
}

static bool add_constant(const lb_onnx_product *p, OrtGraph *graph, const lb_onnx_tensor *t) {
    OrtValue *value = NULL;
    void *data;
    if (!succeeded(p, p->api->CreateTensorAsOrtValue(p->allocator, t->shape, t->rank, t->type, &value)) ||
        !succeeded(p, p->api->GetTensorMutableData(value, &data)))
        return false;
    memcpy(data, t->data, t->bytes);
    return succeeded(p, p->editor->AddInitializerToGraph(graph, t->name, value, false));
}

static bool add_node(const lb_onnx_product *p, OrtGraph *graph, const lb_onnx_node *n) {
    const char *inputs[LB_ONNX_INPUTS];
    OrtOpAttr *attributes[LB_ONNX_ATTRIBUTES];
    OrtNode *node = NULL;
    for (size_t i = 0; i < n->input_count; i++) inputs[i] = n->inputs[i].name;
    for (size_t i = 0; i < n->attribute_count; i++)
        if (!succeeded(p, p->api->CreateOpAttr(n->attributes[i].name, &n->attributes[i].value, 1, ORT_OP_ATTR_INT,
                                               &attributes[i])))
            return false;
    const bool made = succeeded(p, p->editor->CreateNode(n->op, n->domain, "product", inputs, n->input_count,
                                                         &n->output.name, 1, attributes, n->attribute_count, &node));
    for (size_t i = 0; made && i < n->attribute_count; i++) p->api->ReleaseOpAttr(attributes[i]);
    return made && succeeded(p, p->editor->AddNodeToGraph(graph, node));
}

static bool fill_graph(const lb_onnx_product *p, OrtGraph *graph, const lb_onnx_node *node) {
    for (size_t i = 1; i < node->input_count; i++)
        if (*node->inputs[i].name && !add_constant(p, graph, &node->inputs[i])) return false;
    return add_ends(p, graph, node) && add_node(p, graph, node);
}

static OrtModel *model_of(const lb_onnx_product *p, const lb_onnx_node *node) {
    static const char *const kDomains[] = {"", "com.microsoft"};
    static const int kVersions[] = {17, 1};
    OrtModel *model = NULL;
    OrtGraph *graph = NULL;
    if (!succeeded(p, p->editor->CreateModel(kDomains, kVersions, 2, &model)) ||
        !succeeded(p, p->editor->CreateGraph(&graph)))
        return model;
    if (fill_graph(p, graph, node) && succeeded(p, p->editor->AddGraphToModel(model, graph))) return model;
    p->api->ReleaseGraph(graph);
    p->api->ReleaseModel(model);
    return NULL;
}

/* ---- Sessions ---- */

static bool open_session(const lb_onnx_product *p, const lb_onnx_node *node, session *s) {
    OrtModel *model = model_of(p, node);
    if (!model) return false;
    const bool made = succeeded(p, p->editor->CreateSessionFromModel(p->env, model, p->options, &s->session));
    p->api->ReleaseModel(model);
    return made && succeeded(p, p->api->CreateIoBinding(s->session, &s->binding)) &&
           succeeded(p, p->api->BindInput(s->binding, node->inputs[0].name, p->input)) &&
           succeeded(p, p->api->BindOutput(s->binding, node->output.name, p->output));
}

/* All sessions share a pool: those of others would spin beside the one that runs. Debian's library registers all of its
 * schemas twice and prints thousands of lines about it: the child that we run in has no more to say on that stream. */
static bool start(lb_onnx_product *p, uint32_t threads) {
    return freopen("/dev/null", "w", stderr) && succeeded(p, p->api->CreateThreadingOptions(&p->threading)) &&
           succeeded(p, p->api->SetGlobalIntraOpNumThreads(p->threading, (int)threads)) &&
           succeeded(p, p->api->SetGlobalInterOpNumThreads(p->threading, 1)) &&
           succeeded(
               p, p->api->CreateEnvWithGlobalThreadPools(ORT_LOGGING_LEVEL_FATAL, "lowbit", p->threading, &p->env)) &&
           succeeded(p, p->api->CreateSessionOptions(&p->options)) &&
           succeeded(p, p->api->DisablePerSessionThreads(p->options)) &&
           succeeded(p, p->api->CreateRunOptions(&p->run)) &&
           succeeded(p, p->api->GetAllocatorWithDefaultOptions(&p->allocator));
}

static bool wrap(const lb_onnx_product *p, const lb_onnx_tensor *t, OrtValue **value) {
    return succeeded(
        p, p->api->CreateTensorWithDataAsOrtValue(p->memory, t->data, t->bytes, t->shape, t->rank, t->type, value));
}

static bool make(lb_onnx_product *p, const lb_onnx_node *node, size_t copies, uint32_t threads) {
    p->api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
    if (p->api) p->editor = p->api->GetModelEditorApi();
    p->sessions = calloc(copies, sizeof *p->sessions);
    p->copies = p->sessions ? copies : 0;
    snprintf(p->reason, p->size, "%s", p->editor ? "no memory" : "its library is older than its header, or minimal");
    if (!p->editor || !p->sessions || !start(p, threads)) return false;
    if (!succeeded(p, p->api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &p->memory))) return false;
    if (!wrap(p, &node->inputs[0], &p->input) || !wrap(p, &node->output, &p->output)) return false;
    for (size_t i = 0; i < copies; i++)
        if (!open_session(p, node, &p->sessions[i])) return false;
    return true;
}

lb_onnx_product *lb_onnx_product_create(const lb_onnx_node *node, size_t copies, uint32_t threads, char *reason,
                                        size_t size) {
    lb_onnx_product *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->reason = reason;
    p->size = size;
    const bool made = make(p, node, copies, threads);
    p->reason = NULL; /* it is the caller's */
    if (made) return p;
    lb_onnx_product_destroy(p);
    return NULL;
}

bool lb_onnx_product_run(lb_onnx_product *p, size_t copy) {
    return succeeded(p, p->api->RunWithBinding(p->sessions[copy].session, p->run, p->sessions[copy].binding));
}

/* Its Release functions take NULL. */
void lb_onnx_product_destroy(lb_onnx_product *p) {
    if (!p) return;
    for (size_t i = 0; i < p->copies; i++) {
        p->api->ReleaseIoBinding(p->sessions[i].binding);
        p->api->ReleaseSession(p->sessions[i].session);
    }
    free(p->sessions);
    if (p->editor) {
        p->api->ReleaseValue(p->input);
        p->api->ReleaseValue(p->output);
        p->api->ReleaseMemoryInfo(p->memory);
        p->api->ReleaseRunOptions(p->run);
        p->api->ReleaseSessionOptions(p->options);
        p->api->ReleaseThreadingOptions(p->threading);
        if (p->env) p->api->ReleaseEnv(p->env);
    }
    free(p);
}

const char *lb_onnx_version(void) { return OrtGetApiBase()->GetVersionString(); }
