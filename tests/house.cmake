# SPDX-License-Identifier: Apache-2.0
# Tests of the house itself: floors, budgets, headers, objects, exports, install. Sanitizers add symbols of their own, so
# the tests that look at objects belong to the plain builds.
set(here ${CMAKE_CURRENT_LIST_DIR})

if(NOT LOWBIT_SANITIZE)
  add_test(NAME units_nm COMMAND sh ${here}/units_nm.sh $<TARGET_FILE:lowbit_internal> ${CMAKE_NM} ${CMAKE_OBJDUMP})
endif()
if(CMAKE_CROSSCOMPILING)
  return()
endif()

if(TARGET lowbit_nn)
  add_test(NAME twice COMMAND sh ${here}/twice.sh ${CMAKE_NM} $<TARGET_FILE:lowbit_internal> $<TARGET_FILE:lowbit_bench>
    $<TARGET_FILE:lowbit_report> $<TARGET_FILE:lowbit_nn>)
endif()

# Debian's own Python, which has Debian's numpy, before others in the path.
if(NOT DEFINED Python3_EXECUTABLE AND EXISTS /usr/bin/python3)
  set(Python3_EXECUTABLE /usr/bin/python3)
endif()
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME floors COMMAND Python3::Interpreter ${here}/floors.py ${PROJECT_SOURCE_DIR})
add_test(NAME budgets COMMAND Python3::Interpreter ${here}/budgets.py ${PROJECT_SOURCE_DIR})
add_test(NAME get_data COMMAND Python3::Interpreter ${here}/get_data.py ${PROJECT_SOURCE_DIR})
set_tests_properties(get_data PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300)
add_test(NAME networks_py COMMAND Python3::Interpreter ${here}/networks_py.py ${PROJECT_SOURCE_DIR})
set_tests_properties(networks_py PROPERTIES SKIP_RETURN_CODE 77)
add_test(NAME headers COMMAND sh ${here}/headers.sh
  ${PROJECT_SOURCE_DIR}/include ${CMAKE_C_COMPILER} ${CMAKE_CXX_COMPILER})

if(LOWBIT_BUILD_PROGRAM)
  add_test(NAME packbits_numpy COMMAND Python3::Interpreter ${here}/packbits_numpy.py $<TARGET_FILE:lowbit-program>)
  set_tests_properties(packbits_numpy PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 600)
  add_test(NAME packed_py COMMAND Python3::Interpreter ${here}/packed_py.py $<TARGET_FILE:lowbit-program>
    ${PROJECT_SOURCE_DIR})
  set_tests_properties(packed_py PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 600)
  add_test(NAME beside_py COMMAND Python3::Interpreter ${here}/beside_py.py $<TARGET_FILE:lowbit-program> ${PROJECT_SOURCE_DIR})
  set_tests_properties(beside_py PROPERTIES SKIP_RETURN_CODE 77)
  add_executable(wordpiece_ids ${here}/wordpiece_ids.c)
  target_link_libraries(wordpiece_ids PRIVATE lowbit_nn)
  set_target_properties(wordpiece_ids PROPERTIES LINKER_LANGUAGE C)
  add_test(NAME wordpiece_py COMMAND Python3::Interpreter ${here}/wordpiece_py.py $<TARGET_FILE:wordpiece_ids>)
  set_tests_properties(wordpiece_py PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 900)
  add_executable(bpe_ids ${here}/bpe_ids.c)
  target_link_libraries(bpe_ids PRIVATE lowbit_nn)
  set_target_properties(bpe_ids PROPERTIES LINKER_LANGUAGE C)
  add_test(NAME bpe_py COMMAND Python3::Interpreter ${here}/bpe_py.py $<TARGET_FILE:bpe_ids>)
  set_tests_properties(bpe_py PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 900)
  add_test(NAME transformers_py COMMAND Python3::Interpreter ${here}/transformers_py.py $<TARGET_FILE:lowbit-program>)
  set_tests_properties(transformers_py PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 900)
  set(report_folder ${PROJECT_BINARY_DIR}/report)
  if(NOT LOWBIT_SANITIZE)
    add_test(NAME report_page COMMAND Python3::Interpreter ${here}/report_page.py $<TARGET_FILE:lowbit-program>
      ${report_folder}/page)
    set_tests_properties(report_page PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 900)
  endif()
  set(programs program)
  if(NOT LOWBIT_SANITIZE STREQUAL "thread") # what they measure would take minutes
    list(APPEND programs program_all program_bench program_compare program_generate program_network program_tune)
    add_test(NAME report_files COMMAND Python3::Interpreter ${here}/report_files.py $<TARGET_FILE:lowbit-program>
      ${report_folder}/files)
    set_tests_properties(report_files PROPERTIES TIMEOUT 900)
  endif()
  foreach(name ${programs})
    add_test(NAME ${name} COMMAND Python3::Interpreter ${here}/${name}.py $<TARGET_FILE:lowbit-program>)
    if(LOWBIT_SANITIZE) # real networks on a thousand images would take minutes, too
      set_tests_properties(${name} PROPERTIES ENVIRONMENT_MODIFICATION LOWBIT_DATA=unset:)
    endif()
  endforeach()
endif()

if(NOT LOWBIT_SANITIZE)
  add_executable(run_loop run_loop.c)
  target_link_libraries(run_loop PRIVATE lowbit)
  add_test(NAME syscalls COMMAND sh ${here}/syscalls.sh $<TARGET_FILE:run_loop>)
  set_tests_properties(syscalls PROPERTIES SKIP_RETURN_CODE 77)
endif()

if(BUILD_SHARED_LIBS AND LOWBIT_BUILD_PROGRAM AND NOT LOWBIT_SANITIZE)
  set(install_arguments ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR} ${CMAKE_C_COMPILER})
  add_test(NAME exports COMMAND sh ${here}/exports.sh $<TARGET_FILE:lowbit> ${CMAKE_NM} ${CMAKE_READELF})
  add_test(NAME install_shared COMMAND sh ${here}/install.sh ${install_arguments} shared)
  # What is installed does not depend on the levels: one of them, since all take minutes to compile.
  add_test(NAME install_static COMMAND sh ${here}/install.sh ${install_arguments} static
    -DLOWBIT_HWY_INCLUDE=${LOWBIT_HWY_INCLUDE} -DLOWBIT_LEVELS=sse4)
  set_tests_properties(install_static PROPERTIES TIMEOUT 900)
endif()
