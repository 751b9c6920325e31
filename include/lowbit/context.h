/* SPDX-License-Identifier: Apache-2.0 */
/* The context: what machine this is, which instruction sets may be used, where memory comes from, who hears the log.
 * It is immutable after creation and may be used from any number of threads at once. It starts no threads. */
#ifndef LOWBIT_CONTEXT_H_
#define LOWBIT_CONTEXT_H_

#include "lowbit/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lowbit_ctx lowbit_ctx;

/* Instruction set levels, one bit each, in the order in which they grow on their architecture. */
enum {
    LOWBIT_ISA_SCALAR = 1 << 0, /* plain C: compiled everywhere, always enabled */
    LOWBIT_ISA_SSE4 = 1 << 1,
    LOWBIT_ISA_AVX2 = 1 << 2,
    LOWBIT_ISA_AVXVNNI = 1 << 3,
    LOWBIT_ISA_AVX512 = 1 << 4,
    LOWBIT_ISA_AVX512VNNI = 1 << 5,
    LOWBIT_ISA_AMX = 1 << 6,
    LOWBIT_ISA_NEON = 1 << 7,
    LOWBIT_ISA_NEONDOT = 1 << 8,
    LOWBIT_ISA_NEONI8MM = 1 << 9,
    LOWBIT_ISA_SVE = 1 << 10,
    LOWBIT_ISA_AVX512DOT = 1 << 11,  /* between AVX512 and AVX512VNNI */
    LOWBIT_ISA_AVX512BF16 = 1 << 12, /* between AVX512VNNI and AMX */
    LOWBIT_ISA_ALL = 0x7fffffff
};

/* Memory of everything that the library itself creates. alloc returns memory aligned to `align` (a power of two) or
 * NULL; free takes what alloc returned, and the same size. Both may be called from any thread. */
typedef struct lowbit_allocator {
    uint32_t struct_size;
    void *user;
    void *(*alloc)(void *user, size_t bytes, size_t align);
    void (*free)(void *user, void *memory, size_t bytes);
} lowbit_allocator;

enum { LOWBIT_LOG_WARNING = 0, LOWBIT_LOG_INFO = 1 };

/* Hears what is worth knowing but is no error, one line without a line end. May be called from any thread. */
typedef struct lowbit_logger {
    uint32_t struct_size;
    void *user;
    void (*log)(void *user, int level, const char *message);
} lowbit_logger;

typedef struct lowbit_ctx_options {
    uint32_t struct_size;
    uint32_t isa_mask;                 /* levels that may be used, LOWBIT_ISA_*; 0 = all that the machine has */
    const lowbit_allocator *allocator; /* NULL = the C library's; copied */
    const lowbit_logger *logger;       /* NULL = silence; copied */
    const char *topology; /* NULL = this machine; else an hwloc synthetic description ("pack:2 core:4 pu:2")
                             or the path of an hwloc XML file: a pretend machine, for tests and planning */
    /* What a pretend machine grants; only with `topology`, and not missed if struct_size ends before them: */
    const char *allowed_cpus; /* its affinity mask, "0-3,8"; NULL = every CPU */
    double cpu_quota;         /* CPUs that its cgroup grants, 1.5 say; 0 = no quota */
    uint32_t guest;           /* 1 = it is a guest, whose L3 is not believed */
} lowbit_ctx_options;

#define LOWBIT_CTX_OPTIONS_INIT                                                                                        \
    { sizeof(lowbit_ctx_options), 0, NULL, NULL, NULL, NULL, 0, 0 }

/* Reads the machine (CPU features, topology by hwloc, affinity mask, cgroup CPU quota) and creates a context.
 *
 * options  NULL = all defaults
 * ctx      receives the context; release it with lowbit_ctx_destroy after everything that was created from it
 *
 * The CPUs that may be used are those of the calling thread, because threads that it creates inherit them. A machine
 * that hwloc cannot read is no error: the context then takes every CPU for a core, asks the C library for cache sizes,
 * and says so through the logger.
 *
 * On x86 Linux, where the AMX level is compiled, present and not masked, the call asks the operating system once for
 * the tile registers of the whole process (arch_prctl ARCH_REQ_XCOMP_PERM, XTILEDATA). Refused is no error either: the
 * level is not enabled then, and lowbit_isa_get says why. */
LOWBIT_API lowbit_status lowbit_ctx_create(const lowbit_ctx_options *options, lowbit_ctx **ctx, lowbit_error *error);

/* Frees the context. NULL is a no-op. */
LOWBIT_API void lowbit_ctx_destroy(lowbit_ctx *ctx);

/* What decided how many threads make sense. */
enum {
    LOWBIT_CPU_LIMIT_NONE = 0,     /* every CPU of the machine */
    LOWBIT_CPU_LIMIT_AFFINITY = 1, /* the affinity mask or cpuset of the process */
    LOWBIT_CPU_LIMIT_QUOTA = 2     /* the cgroup's CPU quota */
};

typedef struct lowbit_machine {
    uint32_t struct_size;
    char cpu_name[64]; /* as the CPU states it */
    char vendor[16];   /* "GenuineIntel", "AuthenticAMD", "arm", ... */
    /* x86: CPUID leaf 1, extended fields included. aarch64: MIDR implementer, part, variant. */
    uint32_t family, model, stepping;
    uint32_t packages, numa_nodes;
    uint32_t cores;              /* cores of the machine; where they are unknown, each hardware thread counts as one */
    uint32_t cpus;               /* hardware threads of the machine */
    uint32_t core_kinds;         /* 1, or more on hybrid parts (P and E cores, big.LITTLE) */
    uint32_t allowed_cpus;       /* hardware threads that the thread which created the context may run on */
    uint32_t allowed_cores;      /* cores that have at least one of them */
    uint32_t allowed_fast_cores; /* those of the fastest kind among them */
    uint32_t usable_threads;     /* min(allowed_cores, quota rounded up): a good pool */
    uint32_t cpu_limit;          /* LOWBIT_CPU_LIMIT_*: what made usable_threads smaller than `cores` */
    double cpu_quota;            /* CPUs that the cgroup grants, 0 = no quota */
    int64_t l1d_bytes, l2_bytes, l3_bytes;        /* one cache's size; 0 = none */
    uint32_t l1d_sharing, l2_sharing, l3_sharing; /* hardware threads behind one cache */
    int64_t l3_trusted_bytes; /* l3_bytes capped at what a guest can believe: see docs/architecture.md */
    int64_t memory_bytes;     /* of the machine */
    uint32_t hypervisor;      /* 1 = running in a guest */
    char hypervisor_name[16]; /* "KVM", ... or empty */
    char allowed_list[128];   /* the allowed hardware threads as "0-3,8"; cut with "..." where it is longer */
    uint32_t allowed_packages, allowed_numa_nodes; /* those that have one of them */
} lowbit_machine;

/* Copies the machine report; `machine->struct_size` must be set. */
LOWBIT_API lowbit_status lowbit_machine_info(const lowbit_ctx *ctx, lowbit_machine *machine, lowbit_error *error);

typedef struct lowbit_isa_info {
    uint32_t struct_size;
    uint32_t bit;       /* LOWBIT_ISA_* */
    const char *name;   /* "avx512vnni"; static */
    uint32_t compiled;  /* 1 = this build has the unit */
    uint32_t present;   /* 1 = this CPU and operating system can run it */
    uint32_t enabled;   /* 1 = compiled, present, not masked in this context and not refused by the system */
    const char *reason; /* why it is not enabled, "" if it is; static */
} lowbit_isa_info;

/* Number of levels that the library knows, also those of other architectures. */
LOWBIT_API size_t lowbit_isa_count(void);

/* Describes level `index` (0 .. lowbit_isa_count() - 1). */
LOWBIT_API lowbit_status lowbit_isa_get(const lowbit_ctx *ctx, size_t index, lowbit_isa_info *info,
                                        lowbit_error *error);

#ifdef __cplusplus
}
#endif
#endif
