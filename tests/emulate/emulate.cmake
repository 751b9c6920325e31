# SPDX-License-Identifier: Apache-2.0
# The emulator of tests/emulate/emulate.h, in the test program alone.
target_sources(lowbit-tests PRIVATE emulate/levels.c)
target_link_options(lowbit-tests PRIVATE LINKER:--wrap=lb_isa_present,--wrap=lb_isa_permitted)
if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_sources(lowbit-tests PRIVATE emulate/absent.c)
  return()
endif()

# What runs in place of an instruction: fast in every build, and without the calls that sanitizers add.
set(emulator decode.c forms.c patch.c registers.c table.c tiles.c trap.c vectors.c)
list(TRANSFORM emulator PREPEND emulate/)
set_source_files_properties(${emulator} PROPERTIES COMPILE_OPTIONS "-O3;-mavx2;-mfma;-fno-sanitize=all")
target_sources(lowbit-tests PRIVATE ${emulator}
  emulate/reference.c
  emulate/subject.c
  emulate/subject_forms.c
  emulate/subject_state.c
  emulate/subject_tiles.c)

# Each subject once more as SUBJECT_emulated, except those that run no kernel. Sanitizers see the levels that the CPU has:
# what they look for is in the loops around the kernels.
if(LOWBIT_SANITIZE)
  return()
endif()
set(without_kernels arena bits_arrays bits_refusals books bpe cifar columns compare context conv_numbers conv_text
  counters emulate graph image llama2c machine measure memory metrics npy observe packed pool problem quantize recipe refusals
  safetensors sample scales sentinel series state table tsv wordpiece zoo)
list(JOIN without_kernels "|" without_kernels)
set(emulated ${subjects})
list(FILTER emulated EXCLUDE REGEX "\\((${without_kernels})")
foreach(row ${emulated})
  string(REGEX REPLACE "SUBJECT\\((.*)\\)" "\\1" subject ${row})
  add_test(NAME ${subject}_emulated COMMAND lowbit-tests ${subject})
  set_tests_properties(${subject}_emulated PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 900
    ENVIRONMENT LOWBIT_TEST_EMULATE=avxvnni,avx512dot,avx512vnni,avx512bf16,amx)
endforeach()
