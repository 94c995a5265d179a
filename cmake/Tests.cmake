# Tests: one program per subject, one ctest entry per program. Benchmarks and fuzz targets too.

include_guard()

# What the sanitizer build is for: the tests of single parts, and the simulator.
add_custom_target(sanitized_tests)

set(FLUX_REPORT_DIR ${CMAKE_BINARY_DIR}/reports)

# The GoogleTest headers cost a second in every test file, so they are compiled once and shared.
function(flux_ensure_test_pch)
  if(TARGET flux_test_pch)
    return()
  endif()
  set(source ${CMAKE_BINARY_DIR}/flux_test_pch.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "// Carries the precompiled header of the tests.\n")
  add_library(flux_test_pch STATIC ${source})
  flux_external(gtest gtest)
  target_link_libraries(flux_test_pch PUBLIC ${gtest})
  target_compile_definitions(flux_test_pch PUBLIC FLUX_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_precompile_headers(flux_test_pch PRIVATE
    <gtest/gtest.h> <cstdint> <map> <optional> <span> <string> <string_view> <vector>)
endfunction()

# flux_test(unit_core_base DEPS core_base [EXT rapidcheck ...] [SOURCES <file>...]
#           [LABELS <label>...] [TIMEOUT <seconds>] [NO_MAIN])
#
# Without SOURCES it takes every *_test.cpp of the calling folder. FLUX_SOURCE_DIR is defined to the
# root of the repository, for tests that read files of it.
function(flux_test name)
  cmake_parse_arguments(PARSE_ARGV 1 T "NO_MAIN" "TIMEOUT" "SOURCES;DEPS;EXT;LABELS")
  if(T_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "flux_test(${name}): unknown: ${T_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT T_SOURCES)
    file(GLOB T_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp)
  endif()
  flux_ensure_test_pch()
  add_executable(${name} ${T_SOURCES})
  target_precompile_headers(${name} REUSE_FROM flux_test_pch)
  target_link_libraries(${name} PRIVATE ${T_DEPS} flux_test_pch)
  if(NOT T_NO_MAIN)
    list(APPEND T_EXT gtest_main)
  endif()
  foreach(external IN LISTS T_EXT)
    flux_external(target ${external})
    target_link_libraries(${name} PRIVATE ${target})
  endforeach()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test)

  # The report tells how many cases ran: tools/do counts those, not programs.
  add_test(NAME ${name} COMMAND ${name} --gtest_output=xml:${FLUX_REPORT_DIR}/${name}.xml)
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  string(REGEX MATCH "^[^_]+" kind ${name})
  if(kind MATCHES "^(unit|parity|property|fuzz)$")
    add_dependencies(sanitized_tests ${name})
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${kind};${T_LABELS}")
endfunction()

# flux_bench(bench_core_record DEPS core_record [EXT ...]): Google Benchmark over *_bench.cpp of the
# calling folder. Built with everything else so that it cannot rot, run by tools/bench.
function(flux_bench name)
  cmake_parse_arguments(PARSE_ARGV 1 B "" "" "DEPS;EXT")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_bench.cpp)
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${B_DEPS})
  foreach(external IN LISTS B_EXT ITEMS benchmark)
    flux_external(target ${external})
    target_link_libraries(${name} PRIVATE ${target})
  endforeach()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
endfunction()

# flux_fuzz(fuzz_net_wire SOURCE frame_fuzz.cpp CORPUS corpus/frame DEPS net_wire [EXT ...])
#
# SOURCE defines LLVMFuzzerTestOneInput. With FLUX_FUZZ (clang only) the program searches for new
# inputs; without it, it replays the corpus as a test, under every compiler.
option(FLUX_FUZZ "build fuzz targets with libFuzzer" OFF)
if(FLUX_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
  # What there is to search, for tools/fuzz: a target and its corpus in each line.
  set(FLUX_FUZZ_TARGETS ${CMAKE_BINARY_DIR}/fuzz_targets.txt)
  file(WRITE ${FLUX_FUZZ_TARGETS} "")
endif()

function(flux_fuzz name)
  cmake_parse_arguments(PARSE_ARGV 1 F "" "SOURCE;CORPUS" "DEPS;EXT")
  add_executable(${name} ${F_SOURCE})
  target_link_libraries(${name} PRIVATE ${F_DEPS})
  foreach(external IN LISTS F_EXT)
    flux_external(target ${external})
    target_link_libraries(${name} PRIVATE ${target})
  endforeach()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  if(FLUX_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    file(APPEND ${FLUX_FUZZ_TARGETS} "${name} ${CMAKE_CURRENT_SOURCE_DIR}/${F_CORPUS}\n")
    return()
  endif()
  target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/replay_corpus_main.cpp)
  # The declaration that libFuzzer wants has no header to stand in.
  target_compile_options(${name} PRIVATE
    $<IF:$<CXX_COMPILER_ID:GNU>,-Wno-missing-declarations,-Wno-missing-prototypes>)
  add_test(NAME ${name} COMMAND ${name} ${CMAKE_CURRENT_SOURCE_DIR}/${F_CORPUS})
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 120)
  add_dependencies(sanitized_tests ${name})
endfunction()
