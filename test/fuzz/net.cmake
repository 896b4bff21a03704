hotline_fuzzer(fuzz_mqtt_server
  SOURCES "${CMAKE_CURRENT_SOURCE_DIR}/fuzz_mqtt_server.c"
  LINK hotline_net PkgConfig::EVENT OpenSSL::SSL CORPUS test/fuzz/corpus/mqtt_server)
