# SPDX-License-Identifier: Apache-2.0
# Tests of the house itself: floors, headers, objects, exports, install. They read the build's own files, so the ones
# that look at objects are left out where sanitizers add symbols of their own.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

add_test(NAME floors COMMAND Python3::Interpreter ${CMAKE_CURRENT_LIST_DIR}/floors.py ${PROJECT_SOURCE_DIR})
add_test(NAME budgets COMMAND Python3::Interpreter ${CMAKE_CURRENT_LIST_DIR}/budgets.py ${PROJECT_SOURCE_DIR})
add_test(NAME headers
  COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/headers.sh ${PROJECT_SOURCE_DIR}/include ${CMAKE_C_COMPILER} ${CMAKE_CXX_COMPILER})

if(NOT LOWBIT_SANITIZE)
  add_test(NAME units_nm COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/units_nm.sh
    $<TARGET_FILE:lowbit_internal> ${CMAKE_NM} ${CMAKE_OBJDUMP})
  if(BUILD_SHARED_LIBS)
    add_test(NAME exports COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/exports.sh
      $<TARGET_FILE:lowbit> ${CMAKE_NM} ${CMAKE_READELF})
    add_test(NAME install_shared COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/install.sh
      ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR} ${CMAKE_C_COMPILER} shared)
    add_test(NAME install_static COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/install.sh
      ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR} ${CMAKE_C_COMPILER} static
      -DLOWBIT_HWY_INCLUDE=${LOWBIT_HWY_INCLUDE})
    set_tests_properties(install_static PROPERTIES TIMEOUT 900)
  endif()
endif()
