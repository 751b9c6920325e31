# SPDX-License-Identifier: Apache-2.0
# Looks for the libraries of peers, each by itself, and asks headers, not version numbers, for what they have.
include(CheckCSourceCompiles)
find_package(PkgConfig)

# lowbit_peer(NAME SOURCES ... LIBRARIES ... [DEFINITIONS ...]): the library is here.
function(lowbit_peer name)
  cmake_parse_arguments(PARSE_ARGV 1 peer "" "" "SOURCES;LIBRARIES;DEFINITIONS")
  target_sources(lowbit_bench PRIVATE ${peer_SOURCES})
  target_link_libraries(lowbit_bench PRIVATE ${peer_LIBRARIES})
  set_source_files_properties(${peer_SOURCES} PROPERTIES COMPILE_DEFINITIONS "${peer_DEFINITIONS}")
  set(LOWBIT_PEER_${name} TRUE PARENT_SCOPE)
  message(STATUS "Peer ${name}: ${peer_LIBRARIES}")
endfunction()

# lowbit_peer_has(VARIABLE HEADER EXPRESSION): the headers have that name, or compile that expression.
function(lowbit_peer_has variable header expression)
  set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY) # nothing is linked
  check_c_source_compiles("#include <stddef.h>\n#include <${header}>\nint main(void) { (void)(${expression}); return 0; }"
                          ${variable})
endfunction()

target_sources(lowbit_bench PRIVATE peers/codes.c)

# ---- oneDNN: not its CMake package, which demands OpenCL in Debian 12 ----
find_library(DNNL_LIBRARY dnnl)
find_path(DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.h)
find_package(OpenMP QUIET)
if(DNNL_LIBRARY AND DNNL_INCLUDE_DIR AND OpenMP_C_FOUND)
  lowbit_peer_has(LB_ONEDNN_DECOMPRESSES oneapi/dnnl/dnnl.h "dnnl_primitive_attr_set_fpmath_mode_v2(NULL, 0, 1) + dnnl_u4")
  set(definitions "$<$<BOOL:${LB_ONEDNN_DECOMPRESSES}>:LB_ONEDNN_DECOMPRESSES>")
  lowbit_peer(onednn SOURCES peers/onednn.c LIBRARIES ${DNNL_LIBRARY} OpenMP::OpenMP_C DEFINITIONS ${definitions})
endif()

# ---- XNNPACK: its functions come and go, and so do arguments ----
find_library(XNNPACK_LIBRARY XNNPACK)
find_library(PTHREADPOOL_LIBRARY pthreadpool)
find_path(XNNPACK_INCLUDE_DIR xnnpack.h)
find_path(PTHREADPOOL_INCLUDE_DIR pthreadpool.h)
if(XNNPACK_LIBRARY AND PTHREADPOOL_LIBRARY AND XNNPACK_INCLUDE_DIR AND PTHREADPOOL_INCLUDE_DIR)
  set(arguments "1, 1, 1, 1, NULL, NULL, -1, 1, 0")
  lowbit_peer_has(LB_XNNPACK_TWO_CACHES xnnpack.h "xnn_create_fully_connected_nc_f32(${arguments}, NULL, NULL, NULL)")
  lowbit_peer_has(LB_XNNPACK_ONE_CACHE xnnpack.h "xnn_create_fully_connected_nc_f32(${arguments}, NULL, NULL)")
  set(caches "")
  if(LB_XNNPACK_TWO_CACHES)
    set(caches "NULL, NULL,")
  elseif(LB_XNNPACK_ONE_CACHE)
    set(caches "NULL,")
  endif()
  # libXNNPACK.so.0.20241108
  get_filename_component(version ${XNNPACK_LIBRARY} REALPATH)
  string(REGEX REPLACE "^.*\\.so\\.?" "" version "${version}")
  set(definitions "LB_XNNPACK_CACHES=${caches}" "LB_XNNPACK_VERSION=\"${version}\"")
  foreach(pair RESHAPES:xnn_reshape_fully_connected_nc_f32 QS8_QC8W:xnn_create_fully_connected_nc_qs8_qc8w
               QD8:xnn_create_fully_connected_nc_qd8_f32_qc8w QD8_QC4W:xnn_create_fully_connected_nc_qd8_f32_qc4w
               QD8_QB4W:xnn_create_fully_connected_nc_qd8_f32_qb4w)
    string(REPLACE ":" ";" pair ${pair})
    list(GET pair 0 what)
    list(GET pair 1 function)
    lowbit_peer_has(LB_XNNPACK_${what} xnnpack.h ${function})
    if(LB_XNNPACK_${what})
      list(APPEND definitions LB_XNNPACK_${what})
    endif()
  endforeach()
  lowbit_peer(xnnpack SOURCES peers/xnnpack.c LIBRARIES ${XNNPACK_LIBRARY} ${PTHREADPOOL_LIBRARY}
              DEFINITIONS ${definitions})
endif()

# ---- OpenBLAS ----
pkg_check_modules(OPENBLAS IMPORTED_TARGET openblas)
if(OPENBLAS_FOUND)
  lowbit_peer(openblas SOURCES peers/openblas.c LIBRARIES PkgConfig::OPENBLAS)
endif()

# ---- ggml: its .pc file names one of its two libraries ----
pkg_check_modules(GGML IMPORTED_TARGET ggml)
find_library(GGML_BASE_LIBRARY ggml-base)
if(GGML_FOUND AND GGML_BASE_LIBRARY)
  lowbit_peer(ggml SOURCES peers/ggml.c LIBRARIES PkgConfig::GGML ${GGML_BASE_LIBRARY})
endif()

# ---- ONNX Runtime, from the version on (1.22) whose C interface builds models ----
pkg_check_modules(ONNXRUNTIME IMPORTED_TARGET libonnxruntime)
if(ONNXRUNTIME_FOUND)
  lowbit_peer_has(LB_ONNXRUNTIME_BUILDS_MODELS onnxruntime/onnxruntime_c_api.h "offsetof(OrtApi, GetModelEditorApi)")
  if(LB_ONNXRUNTIME_BUILDS_MODELS)
    lowbit_peer(onnxruntime SOURCES peers/onnxruntime.c peers/onnx_product.c LIBRARIES PkgConfig::ONNXRUNTIME)
  endif()
endif()
