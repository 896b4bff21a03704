hotline_fuzzer(fuzz_call SOURCES fuzz_call.c LINK hotline_proto
  CORPUS "${CMAKE_CURRENT_SOURCE_DIR}/corpus/call")
