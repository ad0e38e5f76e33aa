# What `cmake --install` lays out:
#   bin/cell2text                    the command
#   lib/cell2text/*.so               what it opens for commands that need LibTorch
#   lib/cell2text/plugins/*.so       its plugins
#   lib/cell2text/torch              a link to the LibTorch it was built with; point it elsewhere to move LibTorch
#   include/cell2text/               the core's headers
#   lib/cmake/Cell2Text/             the CMake package: find_package(Cell2Text)
#   share/doc/cell2text/             licence and notices
# The whole may be moved afterwards: all paths in it are relative, but for the one link.
include(CMakePackageConfigHelpers)

set(CELL2TEXT_PACKAGE_FOLDER lib/cmake/Cell2Text)

# "lib" and not lib/x86_64-linux-gnu: the command looks for plugins at ../lib/cell2text/plugins.
foreach(target ${CELL2TEXT_PRODUCTS})
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    install(TARGETS ${target} RUNTIME DESTINATION bin)
  elseif(type STREQUAL "MODULE_LIBRARY")
    set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/../torch/lib")
    install(TARGETS ${target} LIBRARY DESTINATION lib/cell2text/plugins)
  else()
    set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/torch/lib")
    install(TARGETS ${target} LIBRARY DESTINATION lib/cell2text)
  endif()
endforeach()
install(CODE "
  set(prefix \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}\")
  file(MAKE_DIRECTORY \"\${prefix}/lib/cell2text\")
  file(CREATE_LINK \"${CELL2TEXT_TORCH_DIR}\" \"\${prefix}/lib/cell2text/torch\" SYMBOLIC)
  message(STATUS \"Installing: \${prefix}/lib/cell2text/torch -> ${CELL2TEXT_TORCH_DIR}\")")

install(DIRECTORY core/include/cell2text DESTINATION include FILES_MATCHING PATTERN "*.hpp" PATTERN "*.inc")
install(FILES LICENSE THIRD_PARTY_NOTICES.md DESTINATION share/doc/cell2text)

install(TARGETS cell2text_core EXPORT Cell2TextTargets)
install(EXPORT Cell2TextTargets NAMESPACE cell2text:: DESTINATION ${CELL2TEXT_PACKAGE_FOLDER})
string(REGEX MATCH "^[0-9]+\\.[0-9]+" CELL2TEXT_TORCH_MAJOR_MINOR "${CELL2TEXT_TORCH_VERSION}")
configure_package_config_file(cmake/Cell2TextConfig.cmake.in ${PROJECT_BINARY_DIR}/package/Cell2TextConfig.cmake
  INSTALL_DESTINATION ${CELL2TEXT_PACKAGE_FOLDER} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/Cell2TextConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/Cell2TextConfig.cmake
  ${PROJECT_BINARY_DIR}/package/Cell2TextConfigVersion.cmake
  cmake/Cell2TextDependencies.cmake cmake/Cell2TextPlugin.cmake
  DESTINATION ${CELL2TEXT_PACKAGE_FOLDER})
