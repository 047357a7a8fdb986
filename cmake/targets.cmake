# How our targets are made: one set of warnings and definitions, one function per kind of target.

add_library(thresher_flags INTERFACE)
target_include_directories(thresher_flags INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_compile_options(thresher_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow)
# NOTE: GCC 12 sees overlapping copies in "text" + std::string at -O3 that are none (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(thresher_flags INTERFACE -Wno-restrict)
endif()
if(THRESHER_WERROR)
  target_compile_options(thresher_flags INTERFACE -Werror)
endif()
# NOTE: results must not depend on what the compiler fuses; kernels ask for fused multiply-add by name.
target_compile_options(thresher_flags INTERFACE -ffp-contract=off)
target_link_libraries(thresher_flags INTERFACE OpenMP::OpenMP_CXX)

if(THRESHER_STATIC_RUNTIME)
  target_link_options(thresher_flags INTERFACE -static-libstdc++ -static-libgcc)
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libgomp.a
                  OUTPUT_VARIABLE static_gomp OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(EXISTS "${static_gomp}")
    set_target_properties(OpenMP::OpenMP_CXX PROPERTIES INTERFACE_LINK_LIBRARIES "${static_gomp};dl")
    set_target_properties(OpenMP::OpenMP_CXX PROPERTIES INTERFACE_LINK_OPTIONS "")
  endif()
endif()

find_package(fmt REQUIRED)
set(THRESHER_FMT fmt::fmt-header-only)
if(THRESHER_SHARED_FMT)
  set(THRESHER_FMT fmt::fmt)
endif()

# thresher_folder(NAME DEPENDS...): the static library of one folder under src/, of all its sources.
function(thresher_folder name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  add_library(thresher_${name} STATIC ${sources})
  target_link_libraries(thresher_${name} PUBLIC thresher_flags)
  foreach(dependency ${ARGN})
    target_link_libraries(thresher_${name} PUBLIC ${dependency})
  endforeach()
endfunction()
