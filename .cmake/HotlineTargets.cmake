# hotline_library(name SOURCES a.c b.c LINK other PkgConfig::X): a room as a static library.
# Includes are written "room/file.h": base/, hotline/, net/, pg/ below lib/, and proto/ at the top.
function(hotline_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}/lib" "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PUBLIC ${ARG_LINK} PRIVATE hotline_flags ${ARG_PRIVATE_LINK})
  # sanitizer and hardening link options have to reach the executables
  target_link_libraries(${name} INTERFACE hotline_hardening hotline_sanitizers)
endfunction()

# hotline_unit_test(test_x SOURCES x.c LINK room [LABEL unit] [TIMEOUT s]): cmocka under CTest.
function(hotline_unit_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/test")
  target_link_libraries(${name} PRIVATE hotline_flags ${ARG_LINK} PkgConfig::CMOCKA)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT "${ARG_TIMEOUT}")
endfunction()

# hotline_fuzzer(fuzz_x SOURCES x.c LINK room CORPUS dir): a libFuzzer target with clang
# (-DHOTLINE_FUZZ=ON); otherwise the same source replays its corpus as a regression test, so every
# compiler and sanitizer sees it.
function(hotline_fuzzer name)
  cmake_parse_arguments(ARG "" "CORPUS" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/test")
  target_link_libraries(${name} PRIVATE hotline_flags ${ARG_LINK})
  if(HOTLINE_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${name} PRIVATE "${PROJECT_SOURCE_DIR}/test/fuzz/replay_main.c")
    add_test(NAME ${name} COMMAND ${name} "${ARG_CORPUS}" WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
    set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 120)
  endif()
endfunction()
