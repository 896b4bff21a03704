# Debian 12's packages, by pkg-config. libevent has to be the build with the September 2026 security
# fixes (2.1.12-stable-8+deb12u1); its version string does not tell, the installer checks the package.
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
pkg_check_modules(EVENT REQUIRED IMPORTED_TARGET libevent_core>=2.1.12 libevent_extra>=2.1.12 libevent_openssl>=2.1.12)
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq>=15)
pkg_check_modules(JSONC REQUIRED IMPORTED_TARGET json-c>=0.16)
pkg_check_modules(EXPAT REQUIRED IMPORTED_TARGET expat>=2.5)
if(BUILD_TESTING OR NOT DEFINED BUILD_TESTING)
  pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka>=1.1.5)
endif()
# libcsv (libcsv-dev) comes without a pkg-config file.
find_path(CSV_INCLUDE_DIR csv.h REQUIRED)
find_library(CSV_LIBRARY csv REQUIRED)
add_library(CSV::CSV INTERFACE IMPORTED)
target_include_directories(CSV::CSV SYSTEM INTERFACE "${CSV_INCLUDE_DIR}")
target_link_libraries(CSV::CSV INTERFACE "${CSV_LIBRARY}")
