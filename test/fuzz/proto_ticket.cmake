hotline_fuzzer(fuzz_ticket_json SOURCES fuzz_ticket_json.c LINK hotline_proto
  CORPUS "${CMAKE_CURRENT_SOURCE_DIR}/corpus/ticket_json")
