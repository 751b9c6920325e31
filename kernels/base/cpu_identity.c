/* SPDX-License-Identifier: Apache-2.0 */
/* Who the CPU says it is: CPUID on x86 (Intel SDM volume 2A; AMD APM volume 3 appendix E), MIDR_EL1 on aarch64 (Arm ARM
 * D17.2, readable by programs where HWCAP_CPUID is set). */
#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/base/cpu.h"

#if defined(__x86_64__)

#include <cpuid.h>

/* What a hypervisor signs with in leaf 0x40000000, and what people call it. */
static const struct {
    const char *signature, *name;
} kHypervisors[] = {
    {"KVMKVMKVM", "KVM"},     {"Microsoft Hv", "Hyper-V"},    {"VMwareVMware", "VMware"}, {"XenVMMXenVMM", "Xen"},
    {"TCGTCGTCGTCG", "QEMU"}, {"VBoxVBoxVBox", "VirtualBox"}, {"bhyve bhyve ", "bhyve"},  {"ACRNACRNACRN", "ACRN"},
};

/* Copies printable characters without leading, trailing and double spaces. */
static void tidy(char *to, size_t size, const char *from) {
    size_t used = 0;
    for (; *from && used + 1 < size; from++) {
        const bool space = *from <= ' ' || *from > '~';
        if (space && (used == 0 || to[used - 1] == ' ')) continue;
        to[used++] = space ? ' ' : *from;
    }
    while (used > 0 && to[used - 1] == ' ') used--;
    to[used] = 0;
}

static void read_brand(lowbit_machine *machine) {
    uint32_t words[13] = {0};
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t *reg = words + 4 * i;
        if (!__get_cpuid(0x80000002u + i, &reg[0], &reg[1], &reg[2], &reg[3])) return;
    }
    char brand[sizeof words];
    memcpy(brand, words, sizeof words);
    tidy(machine->cpu_name, sizeof machine->cpu_name, brand);
}

static void read_hypervisor(lowbit_machine *machine) {
    uint32_t eax, words[4] = {0};
    __cpuid(0x40000000, eax, words[0], words[1], words[2]);
    char signature[sizeof words];
    memcpy(signature, words, sizeof words);
    const char *name = signature;
    for (size_t i = 0; i < LB_COUNT(kHypervisors); i++)
        if (strcmp(signature, kHypervisors[i].signature) == 0) name = kHypervisors[i].name;
    machine->hypervisor = 1;
    tidy(machine->hypervisor_name, sizeof machine->hypervisor_name, name);
}

void lb_cpu_identify(lowbit_machine *machine) {
    uint32_t eax, ebx, ecx, edx, vendor[4] = {0};
    if (__get_cpuid(0, &eax, &vendor[0], &vendor[2], &vendor[1])) {
        char text[sizeof vendor];
        memcpy(text, vendor, sizeof vendor);
        tidy(machine->vendor, sizeof machine->vendor, text);
    }
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
        const uint32_t family = eax >> 8 & 15, model = eax >> 4 & 15;
        const bool has_extended_model = family == 6 || family == 15;
        machine->family = family == 15 ? family + (eax >> 20 & 255) : family;
        machine->model = has_extended_model ? model + (eax >> 16 & 15) * 16 : model;
        machine->stepping = eax & 15;
        if (ecx >> 31 & 1) read_hypervisor(machine);
    }
    read_brand(machine);
}

#elif defined(__aarch64__)

#include <sys/auxv.h>

typedef struct midr_name {
    uint32_t id;
    const char *name;
} midr_name;

static const midr_name kImplementers[] = {
    {0x41, "arm"},    {0x42, "broadcom"}, {0x43, "cavium"}, {0x46, "fujitsu"},   {0x48, "hisilicon"},
    {0x4e, "nvidia"}, {0x51, "qualcomm"}, {0x61, "apple"},  {0x6d, "microsoft"}, {0xc0, "ampere"},
};

/* Parts of Arm's own design. */
static const midr_name kArmParts[] = {
    {0xd03, "Cortex-A53"},  {0xd04, "Cortex-A35"},  {0xd05, "Cortex-A55"},  {0xd07, "Cortex-A57"},
    {0xd08, "Cortex-A72"},  {0xd09, "Cortex-A73"},  {0xd0a, "Cortex-A75"},  {0xd0b, "Cortex-A76"},
    {0xd0c, "Neoverse-N1"}, {0xd0d, "Cortex-A77"},  {0xd40, "Neoverse-V1"}, {0xd41, "Cortex-A78"},
    {0xd44, "Cortex-X1"},   {0xd46, "Cortex-A510"}, {0xd47, "Cortex-A710"}, {0xd48, "Cortex-X2"},
    {0xd49, "Neoverse-N2"}, {0xd4d, "Cortex-A715"}, {0xd4e, "Cortex-X3"},   {0xd4f, "Neoverse-V2"},
    {0xd80, "Cortex-A520"}, {0xd81, "Cortex-A720"}, {0xd82, "Cortex-X4"},   {0xd84, "Neoverse-V3"},
    {0xd8e, "Neoverse-N3"},
};

static const char *find_name(const midr_name *names, size_t count, uint32_t id) {
    for (size_t i = 0; i < count; i++)
        if (names[i].id == id) return names[i].name;
    return NULL;
}

void lb_cpu_identify(lowbit_machine *machine) {
    const unsigned long hwcap_cpuid = 1ul << 11;
    if (!(getauxval(AT_HWCAP) & hwcap_cpuid)) return;
    uint64_t midr;
    __asm__("mrs %0, midr_el1" : "=r"(midr));
    machine->family = midr >> 24 & 0xff;
    machine->model = midr >> 4 & 0xfff;
    machine->stepping = midr >> 20 & 0xf;
    const char *vendor = find_name(kImplementers, LB_COUNT(kImplementers), machine->family);
    const char *part = machine->family == 0x41 ? find_name(kArmParts, LB_COUNT(kArmParts), machine->model) : NULL;
    snprintf(machine->vendor, sizeof machine->vendor, "%s", vendor ? vendor : "unknown");
    if (part)
        snprintf(machine->cpu_name, sizeof machine->cpu_name, "%s", part);
    else
        snprintf(machine->cpu_name, sizeof machine->cpu_name, "%s part 0x%03x", machine->vendor, machine->model);
}

#else

void lb_cpu_identify(lowbit_machine *machine) { (void)machine; }

#endif
