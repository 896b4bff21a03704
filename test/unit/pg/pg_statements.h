/*
 * pg_statements.h - the catalogue the tests of the pool use, and the schema it needs.
 */
#ifndef TEST_PG_STATEMENTS_H
#define TEST_PG_STATEMENTS_H

#include "pg/pg.h"

#define STMT(id, text, in, out, ...)                                                               \
    static const char *const id##_columns[] = {__VA_ARGS__};                                       \
    static const struct pg_stmt id = {#id, text, in, out, id##_columns}

STMT(stmt_echo, "SELECT $1::text AS value", 1, 1, "value");
STMT(stmt_sleep, "SELECT pg_sleep($1::float8)", 1, 1, "pg_sleep");
STMT(stmt_pid, "SELECT pg_backend_pid() AS pid", 0, 1, "pid");
STMT(stmt_divide, "SELECT 1 / $1::integer AS quotient", 1, 1, "quotient");
STMT(stmt_insert, "INSERT INTO item (key, value) VALUES ($1, $2)", 2, 0, "");
STMT(stmt_insert_once, "INSERT INTO item (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", 2, 0,
     "");
STMT(stmt_count, "SELECT count(*) AS n FROM item WHERE key = $1", 1, 1, "n");
STMT(stmt_children, "INSERT INTO child (parent) VALUES ($1)", 1, 0, "");
STMT(stmt_raise, "SELECT raise_state($1)", 1, 1, "raise_state");
STMT(stmt_warn, "SELECT raise_warning($1)", 1, 1, "raise_warning");
STMT(stmt_notify, "SELECT pg_notify('look', $1)", 1, 1, "pg_notify");
STMT(stmt_die, "SELECT pg_terminate_backend(pg_backend_pid())", 0, 1, "pg_terminate_backend");
STMT(stmt_begin, "BEGIN", 0, 0, "");
STMT(stmt_forget, "DEALLOCATE ALL", 0, 0, "");
STMT(stmt_shape, "SELECT shape FROM shaped", 0, 1, "shape");
STMT(stmt_jsonb, "SELECT $1::jsonb AS j", 1, 1, "j");
STMT(stmt_setting, "SELECT current_setting($1) AS s", 1, 1, "s");

static const struct pg_stmt *const test_stmts[] = {
    &stmt_echo,  &stmt_sleep,    &stmt_pid,   &stmt_divide, &stmt_insert, &stmt_insert_once,
    &stmt_count, &stmt_children, &stmt_raise, &stmt_warn,   &stmt_notify, &stmt_die,
    &stmt_begin, &stmt_forget,   &stmt_shape, &stmt_jsonb,  &stmt_setting};

static const char test_schema[] =
    "CREATE TABLE item (key text PRIMARY KEY, value text CONSTRAINT value_short CHECK "
    "(length(value) < 1000));"
    "CREATE TABLE parent (id integer PRIMARY KEY);"
    "CREATE TABLE child (parent integer REFERENCES parent DEFERRABLE INITIALLY DEFERRED);"
    "CREATE TABLE shaped (shape integer);"
    "CREATE FUNCTION raise_state(state text) RETURNS void LANGUAGE plpgsql AS $$"
    " BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = state; END $$;"
    "CREATE FUNCTION raise_warning(said text) RETURNS void LANGUAGE plpgsql AS $$"
    " BEGIN RAISE WARNING '%', said; END $$;";

#endif
