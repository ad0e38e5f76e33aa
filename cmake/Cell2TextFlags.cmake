# One set of compiler flags for everything, so that one precompiled header serves all targets.
# A precompiled header made with other flags is rejected by the compiler, and then every file costs 27 s.
include(Cell2TextPlugin)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)  # -fPIC comes from the list below, for executables too
set(CMAKE_SKIP_INSTALL_RPATH OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")

cell2text_library_flags(CELL2TEXT_LIBRARY_FLAGS)
add_compile_options(-fPIC -Wall -Wextra -Winvalid-pch -Werror=invalid-pch ${CELL2TEXT_LIBRARY_FLAGS})

option(CELL2TEXT_SANITIZE "Address and undefined-behaviour sanitizers, library assertions" OFF)
if(CELL2TEXT_SANITIZE)
  # The address sanitizer finds what `null` and `object-size` would; with them, and with code to go on after a finding,
  # files take half as long again to compile.
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=vptr,null,object-size -fno-sanitize-recover=all
    -D_GLIBCXX_ASSERTIONS)
  add_link_options(-fsanitize=address,undefined)
endif()

find_program(CELL2TEXT_MOLD mold)
if(CELL2TEXT_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
find_program(CELL2TEXT_CCACHE ccache)
if(CELL2TEXT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} ${CELL2TEXT_CCACHE})
  add_compile_options(-fpch-preprocess)
endif()
