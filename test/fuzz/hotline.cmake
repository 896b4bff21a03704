hotline_fuzzer(fuzz_place SOURCES fuzz_place.c LINK hotline_domain
  CORPUS "${CMAKE_CURRENT_SOURCE_DIR}/corpus/place")
hotline_fuzzer(fuzz_ticket_number SOURCES fuzz_ticket_number.c LINK hotline_domain
  CORPUS "${CMAKE_CURRENT_SOURCE_DIR}/corpus/ticket_number")
hotline_fuzzer(fuzz_bigram SOURCES fuzz_bigram.c LINK hotline_domain
  CORPUS "${CMAKE_CURRENT_SOURCE_DIR}/corpus/bigram")
