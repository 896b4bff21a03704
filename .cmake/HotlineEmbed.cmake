# SQL files become C tables at build time (.cmake/embed_sql.py; Python is there on every Debian).
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
set(HOTLINE_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_DIR}/embed_sql.py")

# hotline_embed_migrations(target dir): adds migrations[] and migration_count (pg/migrate.h) made
# of dir/NNNN_name.sql to target, which has to link hotline_pg.
function(hotline_embed_migrations target dir)
  file(GLOB files CONFIGURE_DEPENDS "${dir}/*.sql")
  set(out "${CMAKE_CURRENT_BINARY_DIR}/${target}_migrations.c")
  add_custom_command(
    OUTPUT "${out}"
    COMMAND Python3::Interpreter "${HOTLINE_EMBED_SCRIPT}" migrations "${out}" ${files}
    DEPENDS "${HOTLINE_EMBED_SCRIPT}" ${files}
    COMMENT "Embedding migrations into ${target}"
    VERBATIM)
  target_sources(${target} PRIVATE "${out}")
endfunction()

# hotline_embed_statements(target dir): adds one `const struct pg_stmt SQL_<NAME>` per dir/<name>.sql,
# sql_catalogue[] and sql_catalogue_count to target; #include "sql_catalogue.h".
function(hotline_embed_statements target dir)
  file(GLOB files CONFIGURE_DEPENDS "${dir}/*.sql")
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/${target}_sql")
  file(MAKE_DIRECTORY "${folder}")
  add_custom_command(
    OUTPUT "${folder}/sql_catalogue.c" "${folder}/sql_catalogue.h"
    COMMAND Python3::Interpreter "${HOTLINE_EMBED_SCRIPT}" statements
            "${folder}/sql_catalogue.c" "${folder}/sql_catalogue.h" ${files}
    DEPENDS "${HOTLINE_EMBED_SCRIPT}" ${files}
    COMMENT "Embedding statements into ${target}"
    VERBATIM)
  target_sources(${target} PRIVATE "${folder}/sql_catalogue.c" "${folder}/sql_catalogue.h")
  target_include_directories(${target} PUBLIC "${folder}")
endfunction()
