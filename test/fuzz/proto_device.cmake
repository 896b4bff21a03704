foreach(target mqtt device_json cloud)
  hotline_fuzzer(fuzz_${target} SOURCES fuzz_${target}.c LINK hotline_proto
    CORPUS "${CMAKE_CURRENT_SOURCE_DIR}/corpus/${target}")
endforeach()
