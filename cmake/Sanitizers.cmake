# FLUX_SANITIZE is a comma-separated list as -fsanitize takes it, or empty.

include_guard()

set(FLUX_SANITIZE "" CACHE STRING "sanitizers to build with, for example address,undefined")

if(FLUX_SANITIZE)
  # The first finding ends the program: a test that went on would hide it in its log.
  add_compile_options(-fsanitize=${FLUX_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FLUX_SANITIZE})
endif()

# Bugs planted on purpose (core/base/mutant.h), chosen at run time. Off in what people deploy.
option(FLUX_MUTANTS "build with planted bugs" OFF)
if(FLUX_MUTANTS)
  add_compile_definitions(FLUX_MUTANTS)
endif()
