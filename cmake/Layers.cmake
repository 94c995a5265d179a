# Layers: the unit of the source tree, one folder each, and the dependency rule between them.
#
#   add_layer(core_log DIR core/log DEPS core_base core_env EXT fmt PURE)
#
# makes a static library of every .cpp file below the folder (except main files, *_main.cpp) and
# publishes every .h file below it. A new file needs no edit here. The rule "a layer sees only what
# it declares" is held by three nets, all set up by this one call:
#
#   include root   The only include directory that a layer publishes is <build>/inc/<layer>, in
#                  which <DIR> is a symbolic link to the folder. A header of an undeclared layer
#                  does not resolve.
#   link test      link_<layer> links the whole archive with its declared dependencies only, so an
#                  undeclared symbol behind a forward declaration does not resolve either.
#   header check   The target all_verify_interface_header_sets, of CMake itself, compiles each
#                  header alone.
#
# and a PURE layer, one that must not touch the operating system, gets a fourth:
#
#   purity test    tools/lib/purity.py reads the symbols that the archive wants from outside.
#
# The fifth net, for what leaves no symbol, is tests/tidy. flux_check_layers() adds at configure
# time that the declarations themselves are right: no unknown layer, no cycle, core below net below
# sim and real, and those two apart. tests/layers plants a violation of each and sees it refused.

include_guard()

set(FLUX_INCLUDE_ROOT ${CMAKE_BINARY_DIR}/inc)
set(FLUX_GENERATED_ROOT ${CMAKE_BINARY_DIR}/gen)
set(FLUX_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR})
set(CMAKE_VERIFY_INTERFACE_HEADER_SETS OFF)
find_program(FLUX_PYTHON python3 HINTS /usr/bin REQUIRED)

# Below each part of the tree stands what its layers may depend on. A layer is named after its
# folder, so its part is the name up to the first underscore.
set(FLUX_MAY_USE_core core)
set(FLUX_MAY_USE_net core net)
set(FLUX_MAY_USE_sim core net sim)
set(FLUX_MAY_USE_real core net real)
set(FLUX_MAY_USE_viz viz)
set(FLUX_MAY_USE_tests core net sim real viz tests)

# flux_generated_dir(<out> <layer> <folder>): where the generated files of a layer belong, so that
# they are included as "<folder>/<file>".
function(flux_generated_dir out name folder)
  set(${out} ${FLUX_GENERATED_ROOT}/${name}/${folder} PARENT_SCOPE)
endfunction()

# add_layer(<layer> DIR <folder> [DEPS <layer>...] [PRIVATE_DEPS <layer>...] [EXT <library>...]
#           [GENERATED <file>...] [PURE])
#
# DEPS        layers that headers of this one include: passed on to whoever uses it.
# PRIVATE_DEPS  layers that only its .cpp files include.
# EXT         libraries by their names in Externals.cmake.
# GENERATED   files made by a custom command, below flux_generated_dir().
function(add_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 L "PURE" "DIR" "DEPS;PRIVATE_DEPS;EXT;GENERATED")
  if(L_UNPARSED_ARGUMENTS OR NOT L_DIR)
    message(FATAL_ERROR "add_layer(${name}): DIR is missing, or unknown: ${L_UNPARSED_ARGUMENTS}")
  endif()
  string(REPLACE "/" "_" expected ${L_DIR})
  if(NOT name STREQUAL expected)
    message(FATAL_ERROR "add_layer(${name}): the layer in ${L_DIR} is named ${expected}")
  endif()

  set(root ${FLUX_INCLUDE_ROOT}/${name})
  cmake_path(GET L_DIR PARENT_PATH parent)
  file(MAKE_DIRECTORY ${root}/${parent})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${L_DIR} ${root}/${L_DIR} SYMBOLIC)

  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${L_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "(_|/)main\\.cpp$")
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}
    ${CMAKE_SOURCE_DIR}/${L_DIR}/*.h)
  list(TRANSFORM headers PREPEND ${root}/)
  set(generated_headers ${L_GENERATED})
  list(FILTER generated_headers INCLUDE REGEX "\\.h$")
  set(generated_sources ${L_GENERATED})
  list(FILTER generated_sources EXCLUDE REGEX "\\.h$")
  if(NOT sources AND NOT generated_sources)
    # An archive needs a member; a layer may be headers only.
    set(sources ${FLUX_CMAKE_DIR}/empty.cpp)
  endif()

  add_library(${name} STATIC ${sources} ${L_GENERATED})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${root} FILES ${headers})
  target_compile_options(${name} PUBLIC -ffile-prefix-map=${root}/=)
  if(L_GENERATED)
    target_sources(${name} PUBLIC FILE_SET generated TYPE HEADERS
      BASE_DIRS ${FLUX_GENERATED_ROOT}/${name} FILES ${generated_headers})
    target_compile_options(${name} PUBLIC -ffile-prefix-map=${FLUX_GENERATED_ROOT}/${name}/=)
    add_custom_target(generate_${name} DEPENDS ${L_GENERATED})
    if(TARGET generated)
      add_dependencies(generated generate_${name})
    endif()
  endif()
  target_link_libraries(${name} PUBLIC ${L_DEPS} PRIVATE ${L_PRIVATE_DEPS})
  foreach(external IN LISTS L_EXT)
    flux_external(target ${external})
    target_link_libraries(${name} PUBLIC ${target})
  endforeach()

  # A generated header is the first include of the generated source beside it: it compiles alone
  # or not at all.
  set_target_properties(${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON
    INTERFACE_HEADER_SETS_TO_VERIFY HEADERS)
  flux_add_link_test(${name})
  if(L_PURE)
    flux_add_purity_test(${name})
  endif()

  set_property(GLOBAL APPEND PROPERTY FLUX_LAYERS ${name})
  set_property(GLOBAL PROPERTY FLUX_DEPS_${name} ${L_DEPS} ${L_PRIVATE_DEPS})
endfunction()

function(flux_add_link_test name)
  add_executable(link_${name} ${FLUX_CMAKE_DIR}/empty_main.cpp)
  target_link_libraries(link_${name} PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,${name}>)
  set_target_properties(link_${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/link)
  add_test(NAME link.${name} COMMAND link_${name})
  set_tests_properties(link.${name} PROPERTIES LABELS layers)
endfunction()

function(flux_add_purity_test name)
  # A sanitizer adds start-up code and symbols of its own to every archive; other builds judge.
  if(FLUX_SANITIZE OR FLUX_FUZZ)
    return()
  endif()
  add_test(NAME purity.${name} COMMAND ${FLUX_PYTHON}
    ${FLUX_CMAKE_DIR}/../tools/lib/purity.py $<TARGET_FILE:${name}>)
  set_tests_properties(purity.${name} PROPERTIES LABELS layers)
endfunction()

# Runs after all layers are declared, since a layer may name one that is declared later.
function(flux_check_layers)
  get_property(layers GLOBAL PROPERTY FLUX_LAYERS)
  foreach(layer IN LISTS layers)
    string(REGEX MATCH "^[^_]+" part ${layer})
    get_property(deps GLOBAL PROPERTY FLUX_DEPS_${layer})
    foreach(dep IN LISTS deps)
      if(NOT dep IN_LIST layers)
        # Its link test will fail; until then whoever works on another layer can go on.
        message(WARNING "${layer} depends on ${dep}, which is not a layer")
        continue()
      endif()
      string(REGEX MATCH "^[^_]+" dep_part ${dep})
      if(NOT dep_part IN_LIST FLUX_MAY_USE_${part})
        message(FATAL_ERROR "${layer} must not depend on ${dep}: "
          "${part} may use only: ${FLUX_MAY_USE_${part}}")
      endif()
    endforeach()
  endforeach()

  # Take away layers whose dependencies are all gone; what is left when none can go is a cycle.
  set(left ${layers})
  set(progress TRUE)
  while(progress)
    set(progress FALSE)
    foreach(layer IN LISTS left)
      get_property(deps GLOBAL PROPERTY FLUX_DEPS_${layer})
      set(blocked FALSE)
      foreach(dep IN LISTS deps)
        if(dep IN_LIST left)
          set(blocked TRUE)
        endif()
      endforeach()
      if(NOT blocked)
        list(REMOVE_ITEM left ${layer})
        set(progress TRUE)
      endif()
    endforeach()
  endwhile()
  if(left)
    message(FATAL_ERROR "layers depend on each other in a circle, among: ${left}")
  endif()
endfunction()
