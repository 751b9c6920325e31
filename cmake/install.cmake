# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` leaves: the library, its headers, the program, and how pkg-config and CMake find them. Nothing
# in it holds an absolute path: the installed tree may be moved.
install(TARGETS lowbit EXPORT lowbitTargets)
install(DIRECTORY include/lowbit DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/lowbit)
install(EXPORT lowbitTargets NAMESPACE lowbit:: DESTINATION ${package_folder})
configure_package_config_file(cmake/lowbitConfig.cmake.in ${PROJECT_BINARY_DIR}/lowbitConfig.cmake
  INSTALL_DESTINATION ${package_folder} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/lowbitConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lowbitConfig.cmake ${PROJECT_BINARY_DIR}/lowbitConfigVersion.cmake
  DESTINATION ${package_folder})

set(pkgconfig_folder ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH prefix_from_pkgconfig /prefix/${pkgconfig_folder} /prefix)
# Who links a static liblowbit links hwloc (the shared one) too. `pkg-config --static` would ask for more: for all that a
# static hwloc needs.
if(BUILD_SHARED_LIBS)
  set(pkgconfig_private .private)
else()
  set(pkgconfig_threads " -pthread")
endif()
if(LOWBIT_WITH_HWLOC)
  set(pkgconfig_hwloc hwloc)
endif()
configure_file(cmake/lowbit.pc.in ${PROJECT_BINARY_DIR}/lowbit.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/lowbit.pc DESTINATION ${pkgconfig_folder})
