# SPDX-License-Identifier: Apache-2.0
# The emulator of tests/emulate/emulate.h, in the test program alone.
target_sources(lowbit-tests PRIVATE emulate/levels.c)
target_link_options(lowbit-tests PRIVATE LINKER:--wrap=lb_isa_present,--wrap=lb_isa_permitted)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  # What runs in place of an instruction: fast in every build, without the calls that sanitizers add.
  set(emulator emulate/decode.c emulate/forms.c emulate/patch.c emulate/registers.c emulate/table.c emulate/tiles.c emulate/trap.c
    emulate/vectors.c)
  set_source_files_properties(${emulator} PROPERTIES COMPILE_OPTIONS "-O3;-mavx2;-mfma;-fno-sanitize=all")
  target_sources(lowbit-tests PRIVATE ${emulator} emulate/reference.c emulate/subject.c emulate/subject_forms.c emulate/subject_tiles.c)
else()
  target_sources(lowbit-tests PRIVATE emulate/absent.c)
endif()
