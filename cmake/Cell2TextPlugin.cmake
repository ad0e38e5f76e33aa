# cell2text_add_plugin(NAME SOURCES a.cpp ... [LIBRARIES ...])
# Builds libNAME.so where the command looks for plugins. The same function serves this
# repository and a third party with the installed package.

# The flags that keep a plugin's symbols to itself. g++ marks statics of inline functions as unique in
# the whole process: two plugins with types of the same name would share them.
function(cell2text_library_flags result)
  set(${result} -fPIC -fvisibility=hidden -fvisibility-inlines-hidden
    $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique> PARENT_SCOPE)
endfunction()

function(cell2text_add_plugin name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT ARG_SOURCES)
    message(FATAL_ERROR "cell2text_add_plugin(${name}): SOURCES is missing")
  endif()
  add_library(${name} MODULE ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE cell2text::core ${ARG_LIBRARIES})
  cell2text_library_flags(flags)
  target_compile_options(${name} PRIVATE ${flags})
  set_target_properties(${name} PROPERTIES DEFINE_SYMBOL "" CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON
    CXX_EXTENSIONS OFF)
  if(CELL2TEXT_PLUGIN_OUTPUT_DIRECTORY)
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CELL2TEXT_PLUGIN_OUTPUT_DIRECTORY})
  endif()
  if(TARGET cell2text_pch)
    target_precompile_headers(${name} REUSE_FROM cell2text_pch)
  endif()
endfunction()
