foreach(target http1 http1_response)
  hotline_fuzzer(fuzz_${target}
    SOURCES "${CMAKE_CURRENT_SOURCE_DIR}/fuzz_${target}.c" "${PROJECT_SOURCE_DIR}/test/http1_trace.c"
    LINK hotline_proto CORPUS test/fuzz/corpus/${target})
endforeach()
