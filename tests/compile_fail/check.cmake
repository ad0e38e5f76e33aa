# Builds TARGET, which must fail with messages that hold all of TEXTS (separated by |), and TARGET_complete, which
# must compile.
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD} --target ${TARGET}_complete
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${TARGET}_complete does not compile:\n${output}")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD} --target ${TARGET}
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(status EQUAL 0)
  message(FATAL_ERROR "${TARGET} compiles, and must not")
endif()
string(REPLACE "|" ";" TEXTS "${TEXTS}")
foreach(text IN LISTS TEXTS)
  string(FIND "${output}" "${text}" position)
  if(position EQUAL -1)
    message(FATAL_ERROR "The messages of ${TARGET} do not hold '${text}':\n${output}")
  endif()
endforeach()
