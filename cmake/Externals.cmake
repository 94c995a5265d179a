# Third-party libraries, each under the short name that EXT takes in add_layer and flux_program.
# All come from Debian 12 (docs/dependencies.md). A library is looked up when a layer first asks.

include_guard()

# flux_external(<out> <short name>): the target to link.
function(flux_external out name)
  set(target flux_ext_${name})
  if(NOT TARGET ${target})
    add_library(${target} INTERFACE)
    cmake_language(CALL flux_find_${name} ${target})
  endif()
  set(${out} ${target} PARENT_SCOPE)
endfunction()

# A library without a CMake package: a header to prove that it is there, and the file to link.
macro(flux_find_plain target library header)
  find_path(${target}_HEADER ${header} REQUIRED)
  find_library(${target}_LIBRARY ${library} REQUIRED)
  target_link_libraries(${target} INTERFACE ${${target}_LIBRARY})
endmacro()

macro(flux_find_fmt target)
  find_package(fmt REQUIRED)
  target_link_libraries(${target} INTERFACE fmt::fmt)
endmacro()

# Intel ISA-L: CRC-32C (crc32_iscsi) by hardware instructions, chosen at run time, with a portable
# fallback. Debian 12 does not carry google/crc32c.
macro(flux_find_isal target)
  flux_find_plain(${target} isal isa-l.h)
endmacro()

macro(flux_find_xxhash target)
  # Headers only: nothing to link, and the hash of a few bytes is not a call.
  find_path(${target}_HEADER xxhash.h REQUIRED)
  target_compile_definitions(${target} INTERFACE XXH_INLINE_ALL)
endmacro()

macro(flux_find_boost_context target)
  find_package(Boost 1.74 REQUIRED COMPONENTS context)
  target_link_libraries(${target} INTERFACE Boost::context)
endmacro()

macro(flux_find_lz4 target)
  flux_find_plain(${target} lz4 lz4frame.h)
endmacro()

macro(flux_find_zstd target)
  flux_find_plain(${target} zstd zstd.h)
endmacro()

macro(flux_find_snappy target)
  flux_find_plain(${target} snappy snappy-c.h)
endmacro()

macro(flux_find_zlib target)
  flux_find_plain(${target} z zlib.h)
endmacro()

macro(flux_find_json target)
  find_package(nlohmann_json 3.11 REQUIRED)
  target_link_libraries(${target} INTERFACE nlohmann_json::nlohmann_json)
endmacro()

macro(flux_find_cli11 target)
  find_path(${target}_HEADER CLI/CLI.hpp REQUIRED)
endmacro()

macro(flux_find_uring target)
  flux_find_plain(${target} uring liburing.h)
endmacro()

macro(flux_find_rdkafka target)
  flux_find_plain(${target} rdkafka librdkafka/rdkafka.h)
  # Its macros that check the types of arguments are statement expressions.
  target_compile_options(${target} INTERFACE
    $<$<CXX_COMPILER_ID:Clang>:-Wno-gnu-statement-expression>)
endmacro()

macro(flux_find_threads target)
  find_package(Threads REQUIRED)
  target_link_libraries(${target} INTERFACE Threads::Threads)
endmacro()

macro(flux_find_gtest target)
  flux_find_plain(${target} gtest gtest/gtest.h)
  find_library(${target}_GMOCK gmock REQUIRED)
  find_package(Threads REQUIRED)
  target_link_libraries(${target} INTERFACE ${${target}_GMOCK} Threads::Threads)
endmacro()

macro(flux_find_gtest_main target)
  find_library(${target}_LIBRARY gtest_main REQUIRED)
  target_link_libraries(${target} INTERFACE ${${target}_LIBRARY})
endmacro()

macro(flux_find_rapidcheck target)
  flux_find_plain(${target} rapidcheck rapidcheck.h)
endmacro()

macro(flux_find_benchmark target)
  flux_find_plain(${target} benchmark benchmark/benchmark.h)
  find_package(Threads REQUIRED)
  target_link_libraries(${target} INTERFACE Threads::Threads)
endmacro()
