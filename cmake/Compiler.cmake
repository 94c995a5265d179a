# The language, the warnings and the flags that every translation unit of Flux shares.

include_guard()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_COLOR_DIAGNOSTICS ON)

# Without a preset the build is the release one.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1" CACHE STRING "" FORCE)
endif()

add_compile_options(
  -Wall -Wextra -Wpedantic -Werror
  -Wshadow -Wconversion -Wno-sign-conversion -Wold-style-cast -Wcast-align -Wcast-qual
  -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi -Wformat=2 -Wundef -Wvla
  # Designated initialisers leave out members on purpose: those have defaults.
  -Wno-missing-field-initializers
)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(
    -Wmissing-declarations -Wsuggest-override -Wduplicated-cond -Wlogical-op -Wredundant-decls
    # The optimiser of g++ 12 reports these inside std::string, std::vector, std::optional and
    # std::expected where nothing is wrong. The sanitizer build looks for the real ones.
    -Wno-maybe-uninitialized -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow
    -Wno-stringop-overread -Wno-dangling-pointer -Wno-free-nonheap-object
  )
else()
  add_compile_options(-Wmissing-prototypes -Wunreachable-code)
endif()

add_compile_options(
  # A fused multiply-add rounds once where two instructions round twice, so results would depend
  # on the compiler. (Core has no floating point; reports do.)
  -ffp-contract=off
  # Profilers and crash reports walk fiber stacks by frame pointer.
  -fno-omit-frame-pointer
  # Messages, __FILE__ and debug information name files from the repository root, so that a build
  # does not depend on where it stands. Each layer adds the same for its include root.
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
)

# mold and lld link in a tenth of the time of GNU ld.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  find_program(FLUX_LINKER mold)
  if(FLUX_LINKER)
    add_link_options(-fuse-ld=mold)
  endif()
else()
  add_link_options(-fuse-ld=lld)
endif()

# ccache hashes precompiled headers only when told that their macros and times may differ.
find_program(FLUX_CCACHE ccache)
if(FLUX_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${FLUX_CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  endif()
endif()
