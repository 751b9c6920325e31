/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit bench gemm --dump-asm KERNEL`: what the compiler made of a kernel, read by objdump from the running program.
 *
 * A kernel is known by the address of its function in the table. Symbols of the units are local, and gone from a
 * stripped program; what tells where a function ends in any case is the frame description that unwinders read. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <inttypes.h>
#include <link.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "kernels/ukernels.h"

/* Where code is: in memory, and as its file numbers it. */
typedef struct place {
    uintptr_t code; /* the function's address */
    uintptr_t base; /* of the file in memory; a file's address is one in memory less this */
    char file[4096];
    size_t bytes; /* of the function; 0 = not found */
} place;

/* The encodings of .eh_frame_hdr that linkers write: a table, sorted, of pairs of 32-bit offsets from the header. Each
 * pair is a function's begin and its description, whose third word is the begin again, from its own place, and whose
 * fourth is the size. */
typedef struct frame_header {
    uint8_t version, frame_encoding, count_encoding, table_encoding;
    int32_t frame;
    uint32_t count;
    struct {
        int32_t begin, description;
    } table[];
} frame_header;
enum { PCREL_S4 = 0x1b, U4 = 0x03, DATAREL_S4 = 0x3b };

static size_t function_bytes(const frame_header *header, uintptr_t code) {
    const char *base = (const char *)header;
    if (header->version != 1 || header->frame_encoding != PCREL_S4 || header->count_encoding != U4 ||
        header->table_encoding != DATAREL_S4)
        return 0;
    for (uint32_t i = 0; i < header->count; i++) {
        if ((uintptr_t)(base + header->table[i].begin) != code) continue;
        uint32_t words[4];
        const char *description = base + header->table[i].description;
        memcpy(words, description, sizeof words);
        return (uintptr_t)(description + 8 + (int32_t)words[2]) == code ? words[3] : 0;
    }
    return 0;
}

/* Looks whether the place is in this file, which is the program or a library of it. */
static int look(struct dl_phdr_info *info, size_t size, void *user) {
    (void)size;
    place *p = user;
    const frame_header *header = NULL;
    bool here = false;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        const uintptr_t begin = info->dlpi_addr + segment->p_vaddr;
        here = here || (segment->p_type == PT_LOAD && p->code >= begin && p->code < begin + segment->p_memsz);
        if (segment->p_type == PT_GNU_EH_FRAME) header = (const frame_header *)begin;
    }
    if (!here) return 0;
    p->base = info->dlpi_addr;
    p->bytes = header ? function_bytes(header, p->code) : 0;
    if (*info->dlpi_name)
        snprintf(p->file, sizeof p->file, "%s", info->dlpi_name);
    else
        snprintf(p->file, sizeof p->file, "/proc/%ld/exe", (long)getpid()); /* also when a build has replaced it */
    return 1;
}

/* Runs objdump on the function; its output goes where ours goes. */
static int disassemble(const char *command, const place *p) {
    char start[48], stop[48], file[sizeof p->file];
    const uintptr_t first = p->code - p->base;
    snprintf(start, sizeof start, "--start-address=0x%" PRIxPTR, first);
    snprintf(stop, sizeof stop, "--stop-address=0x%" PRIxPTR, first + p->bytes);
    snprintf(file, sizeof file, "%s", p->file);
    char name[] = "objdump", what[] = "-dC", bare[] = "--no-show-raw-insn";
    char *const words[] = {name, what, bare, start, stop, file, NULL};
    pid_t child = -1;
    int status = 0;
    const int reason = fflush(stdout) == 0 ? posix_spawnp(&child, name, NULL, NULL, words, environ) : errno;
    if (reason == ENOENT)
        return lb_cli_error(LB_EXIT_FAILED, command, "there is no objdump here: the package binutils has it");
    if (reason) return lb_cli_error(LB_EXIT_FAILED, command, "cannot run objdump: %s", strerror(reason));
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return lb_cli_error(LB_EXIT_FAILED, command, "objdump is lost: %s", strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return LB_EXIT_OK;
    return lb_cli_error(LB_EXIT_FAILED, command, "objdump failed");
}

int lb_cli_dump_asm(const char *command, const char *kernel) {
    lb_kernel_ref ref;
    if (!lb_kernel_find(kernel, &ref))
        return lb_cli_error(LB_EXIT_USAGE, command, "no kernel is called '%s'; `lowbit kernels` lists them", kernel);
    place p = {.code = (uintptr_t)ref.kernel->run};
    if (!dl_iterate_phdr(look, &p) || p.bytes == 0)
        return lb_cli_error(LB_EXIT_FAILED, command, "%s: cannot tell where its code ends", kernel);
    printf("kernel   %s\n", kernel);
    printf("unit     kernels/isa/%s: %u rows x %u columns\n", lb_unit_name(ref.unit), ref.kernel->mr, ref.kernel->nr);
    printf("code     at 0x%" PRIxPTR ", %zu bytes\n", p.code - p.base, p.bytes);
    return disassemble(command, &p);
}
