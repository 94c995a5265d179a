# Programs: a main file over layers.

include_guard()

# `programs` builds what people run, `generated` every file that a custom command makes.
add_custom_target(programs)
add_custom_target(generated)

set(FLUX_PROGRAM_DIR ${CMAKE_BINARY_DIR}/bin CACHE PATH "where the programs land")

# flux_program(fluxsim MAIN fluxsim_main.cpp DEPS sim_run [EXT <library>...])
#
# MAIN is relative to the calling folder. HOST_TOOL keeps a program that only the build runs out of
# the folder of those that people run.
function(flux_program name)
  cmake_parse_arguments(PARSE_ARGV 1 P "HOST_TOOL" "MAIN" "DEPS;EXT")
  if(P_UNPARSED_ARGUMENTS OR NOT P_MAIN)
    message(FATAL_ERROR "flux_program(${name}): MAIN is missing, or unknown: "
      "${P_UNPARSED_ARGUMENTS}")
  endif()
  add_executable(${name} ${P_MAIN})
  target_link_libraries(${name} PRIVATE ${P_DEPS})
  foreach(external IN LISTS P_EXT)
    flux_external(target ${external})
    target_link_libraries(${name} PRIVATE ${target})
  endforeach()
  if(P_HOST_TOOL)
    set(directory ${CMAKE_BINARY_DIR}/host)
  else()
    set(directory ${FLUX_PROGRAM_DIR})
    add_dependencies(programs ${name})
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${directory})
endfunction()
