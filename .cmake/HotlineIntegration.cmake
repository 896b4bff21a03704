# hotline_integration_test(name file.py [SCALE] [TIMEOUT s]): a Python test of the running daemon. All of
# them append what was said over HTTP to one record, which the OpenAPI check reads at the end.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
set(HOTLINE_RECORD "${CMAKE_BINARY_DIR}/http-record.jsonl" CACHE INTERNAL "")

function(hotline_integration_test name file)
  cmake_parse_arguments(ARG "SCALE" "TIMEOUT" "" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  set(labels integration)
  if(ARG_SCALE)
    list(APPEND labels scale)
  endif()
  add_test(NAME ${name} COMMAND Python3::Interpreter "${CMAKE_CURRENT_SOURCE_DIR}/${file}"
           WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${ARG_TIMEOUT}
    SKIP_RETURN_CODE 77
    ENVIRONMENT "PYTHONPATH=${PROJECT_SOURCE_DIR}/test/integration/harness;PYTHONDONTWRITEBYTECODE=1;HOTLINE_BIN=${CMAKE_BINARY_DIR}/bin;HOTLINE_RECORD=${HOTLINE_RECORD}"
    FIXTURES_REQUIRED record_started FIXTURES_SETUP record_written)
endfunction()
