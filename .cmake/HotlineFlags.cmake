# INTERFACE targets only: nothing here changes a global variable.
include(CheckCCompilerFlag)

function(hotline_probe_flags target visibility)
  foreach(flag IN LISTS ARGN)
    string(MAKE_C_IDENTIFIER "HAVE${flag}" var)
    check_c_compiler_flag("${flag}" ${var})
    if(${var})
      target_compile_options(${target} ${visibility} "${flag}")
    endif()
  endforeach()
endfunction()

add_library(hotline_warnings INTERFACE)
target_compile_options(hotline_warnings INTERFACE
  -Wall -Wextra -Wformat=2 -Wconversion -Wimplicit-fallthrough -Wshadow -Wstrict-prototypes
  -Wmissing-prototypes -Wold-style-definition -Wvla -Wcast-qual -Wwrite-strings -Wundef
  -Wnull-dereference -Wswitch-enum -Werror=format-security -Werror=implicit
  -Werror=incompatible-pointer-types -Werror=int-conversion -Werror=return-type)
hotline_probe_flags(hotline_warnings INTERFACE -Wtrampolines -Wduplicated-cond -Wlogical-op
  -Wbidi-chars=any)
if(HOTLINE_WERROR)
  target_compile_options(hotline_warnings INTERFACE -Werror)
endif()

add_library(hotline_hardening INTERFACE)
target_compile_options(hotline_hardening INTERFACE -fno-omit-frame-pointer -fno-strict-aliasing
  -fno-strict-overflow -fno-delete-null-pointer-checks)
if(NOT HOTLINE_SANITIZE)
  target_compile_options(hotline_hardening INTERFACE -fstack-protector-strong -fPIE)
  target_compile_options(hotline_hardening INTERFACE
    $<$<CONFIG:Release,RelWithDebInfo>:-U_FORTIFY_SOURCE> $<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=3>)
  # Not -ftrivial-auto-var-init=zero: of a variable with an array of structures and padding behind it
  # gcc 12.2 clears members in the array instead of the padding, at every level of optimisation.
  hotline_probe_flags(hotline_hardening INTERFACE -fstack-clash-protection -fcf-protection=full)
  target_link_options(hotline_hardening INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack
    -Wl,--as-needed)
endif()

add_library(hotline_sanitizers INTERFACE)
if(HOTLINE_SANITIZE)
  target_compile_options(hotline_sanitizers INTERFACE "-fsanitize=${HOTLINE_SANITIZE}"
    -fno-sanitize-recover=all -g -O1)
  target_link_options(hotline_sanitizers INTERFACE "-fsanitize=${HOTLINE_SANITIZE}")
endif()

add_library(hotline_flags INTERFACE)
target_compile_features(hotline_flags INTERFACE c_std_17)
target_compile_options(hotline_flags INTERFACE -std=c17)
target_compile_definitions(hotline_flags INTERFACE _GNU_SOURCE)
target_link_libraries(hotline_flags INTERFACE hotline_warnings hotline_hardening hotline_sanitizers)
