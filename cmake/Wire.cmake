# Generates the messages of net/kafka from net/schema with the host tool wiregen. The listing of
# published layouts is checked in the same step, so a definition that breaks one does not build.

include_guard()

set(FLUX_SCHEMA_DIR ${CMAKE_SOURCE_DIR}/net/schema)

function(flux_wire_definitions out)
  file(GLOB definitions CONFIGURE_DEPENDS
    ${FLUX_SCHEMA_DIR}/*.json ${FLUX_SCHEMA_DIR}/record/*.json)
  set(${out} ${definitions} PARENT_SCOPE)
endfunction()

# flux_wire_messages(<out> <layer> <folder>): the generated files, for GENERATED of add_layer. They
# are included as "<folder>/<name>.h".
function(flux_wire_messages out layer folder)
  flux_generated_dir(directory ${layer} ${folder})
  flux_wire_definitions(definitions)
  set(files ${directory}/apis.h ${directory}/each_error.h ${directory}/metadata_records.h)
  foreach(definition IN LISTS definitions)
    cmake_path(GET definition STEM name)
    list(APPEND files ${directory}/${name}.h ${directory}/${name}.cpp)
  endforeach()
  add_custom_command(
    OUTPUT ${files}
    COMMAND wiregen --schema ${FLUX_SCHEMA_DIR} --schema ${FLUX_SCHEMA_DIR}/record
      --check-listing ${FLUX_SCHEMA_DIR}/listing.txt --cpp ${directory}
    DEPENDS wiregen ${definitions} ${FLUX_SCHEMA_DIR}/listing.txt
    COMMENT "Generating messages from net/schema"
    VERBATIM)
  set(${out} ${files} PARENT_SCOPE)
endfunction()

# flux_wire_reflection(<target>): lets a test include "net/kafka/gen/reflection.h", which visits
# every
# field of every message.
function(flux_wire_reflection target)
  set(root ${FLUX_GENERATED_ROOT}/reflection)
  set(header ${root}/net/kafka/gen/reflection.h)
  if(NOT TARGET wire_reflection)
    flux_wire_definitions(definitions)
    add_custom_command(
      OUTPUT ${header}
      COMMAND wiregen --schema ${FLUX_SCHEMA_DIR} --schema ${FLUX_SCHEMA_DIR}/record
        --reflection ${header}
      DEPENDS wiregen ${definitions}
      VERBATIM)
    add_custom_target(wire_reflection DEPENDS ${header})
  endif()
  add_dependencies(${target} wire_reflection)
  target_include_directories(${target} PRIVATE ${root})
endfunction()
