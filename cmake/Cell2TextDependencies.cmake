# Finds every library the project needs. Shared by the build and by the installed package, which
# needs the first half only. Set before: CELL2TEXT_TORCH_PLACES, where LibTorch may be.

# What the core's headers and every plugin need.
find_package(range-v3 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)

# What the command and single plugins of this repository need.
# Boost carries exactly the components that are used.
if(CELL2TEXT_HOST)
  find_package(Boost 1.74 REQUIRED COMPONENTS filesystem)
  find_package(tomlplusplus REQUIRED)
  find_package(fmt REQUIRED)
  find_package(spdlog REQUIRED)
  find_package(CLI11 REQUIRED)
  find_package(ZLIB REQUIRED)
  pkg_check_modules(HDF5 REQUIRED IMPORTED_TARGET hdf5)
  pkg_check_modules(SENTENCEPIECE REQUIRED IMPORTED_TARGET sentencepiece)
  pkg_check_modules(ICU REQUIRED IMPORTED_TARGET icu-uc)
endif()

# LibTorch is PyPI's torch wheel; only libtorch_cpu and libc10 are linked.
set(CELL2TEXT_TORCH "" CACHE PATH "The torch folder of a Python environment (…/site-packages/torch)")
set(CELL2TEXT_TORCH_DIR "")
if(CELL2TEXT_TORCH)
  set(CELL2TEXT_TORCH_DIR ${CELL2TEXT_TORCH})
elseif(NOT "$ENV{CELL2TEXT_TORCH}" STREQUAL "")
  set(CELL2TEXT_TORCH_DIR $ENV{CELL2TEXT_TORCH})
else()
  foreach(CELL2TEXT_TORCH_PLACE ${CELL2TEXT_TORCH_PLACES})
    file(GLOB CELL2TEXT_TORCH_FOUND ${CELL2TEXT_TORCH_PLACE})
    foreach(CELL2TEXT_TORCH_CANDIDATE ${CELL2TEXT_TORCH_FOUND})
      if(NOT CELL2TEXT_TORCH_DIR AND EXISTS ${CELL2TEXT_TORCH_CANDIDATE}/lib/libtorch_cpu.so)
        set(CELL2TEXT_TORCH_DIR ${CELL2TEXT_TORCH_CANDIDATE})
      endif()
    endforeach()
  endforeach()
  if(NOT CELL2TEXT_TORCH_DIR)
    message(FATAL_ERROR "LibTorch not found in ${CELL2TEXT_TORCH_PLACES}. ${CELL2TEXT_TORCH_HELP} "
      "Or pass -DCELL2TEXT_TORCH=…/site-packages/torch.")
  endif()
endif()
if(NOT EXISTS ${CELL2TEXT_TORCH_DIR}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "No lib/libtorch_cpu.so under ${CELL2TEXT_TORCH_DIR}; CELL2TEXT_TORCH should be "
    "the folder of the torch package (…/site-packages/torch).")
endif()
file(STRINGS ${CELL2TEXT_TORCH_DIR}/version.py CELL2TEXT_TORCH_VERSION_LINE REGEX "^__version__")
string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" CELL2TEXT_TORCH_VERSION "${CELL2TEXT_TORCH_VERSION_LINE}")

# The wheel's fmt 12 headers hide the system's fmt: links to the system's come first.
set(CELL2TEXT_FIRST_INCLUDES ${CMAKE_BINARY_DIR}/first_includes)
file(MAKE_DIRECTORY ${CELL2TEXT_FIRST_INCLUDES})
foreach(package fmt spdlog)
  find_path(CELL2TEXT_${package}_INCLUDE ${package} HINTS /usr/include NO_CMAKE_PATH)
  if(CELL2TEXT_${package}_INCLUDE)
    file(CREATE_LINK ${CELL2TEXT_${package}_INCLUDE}/${package} ${CELL2TEXT_FIRST_INCLUDES}/${package} SYMBOLIC)
  endif()
endforeach()

if(NOT TARGET cell2text::torch)
  add_library(cell2text::torch INTERFACE IMPORTED)
  target_include_directories(cell2text::torch SYSTEM INTERFACE
    ${CELL2TEXT_FIRST_INCLUDES} ${CELL2TEXT_TORCH_DIR}/include
    ${CELL2TEXT_TORCH_DIR}/include/torch/csrc/api/include)
  target_link_libraries(cell2text::torch INTERFACE
    ${CELL2TEXT_TORCH_DIR}/lib/libtorch_cpu.so ${CELL2TEXT_TORCH_DIR}/lib/libc10.so)
  # The wheel's libraries find its CUDA runtime two folders up by their own run path.
  target_link_options(cell2text::torch INTERFACE LINKER:--allow-shlib-undefined)
endif()
