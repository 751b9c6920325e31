# SPDX-License-Identifier: Apache-2.0
# One target for each kind of foreign bytes. Every build replays a corpus with mutations, for as long as
# LOWBIT_FUZZ_SECONDS says; with LOWBIT_FUZZ (preset fuzz, clang) libFuzzer drives the same code:
#
#     cmake --preset fuzz && cmake --build --preset fuzz
#     mkdir corpus && build/fuzz/tests/replay-packed --write corpus && build/fuzz/tests/fuzz-packed corpus
set(targets packed problem wisdom)
if(TARGET lowbit_nn)
  list(APPEND targets bpe image llama2c model net recipe safetensors tsv wordpiece)
endif()
set(more_image encode.c)
set(more_net sequence_nets.c)
foreach(target ${targets})
  set(sources fuzz/fuzz_${target}.c fuzz/require.c ${more_${target}})
  add_executable(replay-${target} ${sources} fuzz/replay.c)
  set(executables replay-${target})
  if(LOWBIT_FUZZ)
    add_executable(fuzz-${target} ${sources})
    target_link_options(fuzz-${target} PRIVATE -fsanitize=fuzzer)
    list(APPEND executables fuzz-${target})
  endif()
  foreach(executable ${executables})
    target_link_libraries(${executable} PRIVATE $<TARGET_NAME_IF_EXISTS:lowbit_nn> lowbit_internal m)
    if(target STREQUAL "image")
      target_link_libraries(${executable} PRIVATE PkgConfig::JPEG PkgConfig::PNG)
    endif()
    set_target_properties(${executable} PROPERTIES LINKER_LANGUAGE C)
  endforeach()
  if(NOT LOWBIT_SANITIZE STREQUAL "thread") # they have one
    add_test(NAME replay_${target} COMMAND replay-${target})
    set_tests_properties(replay_${target} PROPERTIES TIMEOUT 900)
  endif()
endforeach()
