hotline_fuzzer(fuzz_open311 SOURCES fuzz_open311.c LINK hotline_proto
  CORPUS "${CMAKE_CURRENT_SOURCE_DIR}/corpus/open311")
