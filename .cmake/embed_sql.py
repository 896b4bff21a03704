#!/usr/bin/env python3
"""Turns SQL files into C tables, at build time.

    embed_sql.py migrations OUT.c  FILE...
    embed_sql.py statements OUT.c OUT.h FILE...

A statement file says in comment lines at its top what goes in and out:

    -- name: ticket_load
    -- in: number bigint, actor text
    --     note text
    -- out: number, state, version
    -- Why it is written this way, in any number of further comment lines.
    SELECT ...

`in` and `out` may be absent (no parameters, no rows) and may go on in lines that are indented by
at least four blanks after the dashes. The program compares both with what the server says when it
prepares the statement; here the texts are held against each other. The first mistake ends the
build with FILE:LINE. Output depends on nothing but the files, in the order of their names.
"""
import os
import re
import sys

MAX_PARAMS = 80  # PG_MAX_PARAMS
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}$")
KEY = re.compile(r"--\s*(name|in|out):\s*(.*)$")
MORE = re.compile(r"--\s{4,}(\S.*)$")
TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<comment>--[^\n]*|/\*.*?\*/)
    |(?P<estring>[eE]'(?:[^'\\]|\\.|'')*')
    |(?P<string>'(?:[^']|'')*')
    |(?P<ident>"(?:[^"]|"")*")
    |(?P<dollar>\$(?P<tag>[A-Za-z_]\w*)?\$.*?\$(?P=tag)?\$)
    |(?P<param>\$[0-9]+)
    |(?P<word>[A-Za-z_0-9\x80-\U0010ffff][\w$]*)
    |(?P<semicolon>;)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


class Mistake(Exception):
    def __init__(self, path, line, text):
        super().__init__(f"{path}:{line}: {text}")


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Mistake(path, line, "not UTF-8") from error
    if "\0" in text:
        raise Mistake(path, text.count("\n", 0, text.index("\0")) + 1, "holds a NUL byte")
    if "\r" in text:
        raise Mistake(path, text.count("\n", 0, text.index("\r")) + 1, "holds a carriage return")
    return text


def c_string(text, indent="    "):
    """One literal per line; everything that is not plain ASCII as octal, so no encoding matters."""
    out = []
    for line in text.splitlines(keepends=True):
        cells = []
        for byte in line.encode("utf-8"):
            char = chr(byte)
            if char in '"\\?':
                cells.append("\\" + char)
            elif char == "\n":
                cells.append("\\n")
            elif 0x20 <= byte < 0x7F:
                cells.append(char)
            else:
                cells.append(f"\\{byte:03o}")
        out.append(f'{indent}"{"".join(cells)}"')
    return "\n".join(out) if out else f'{indent}""'


def write(path, text):
    """Only if it changed: an untouched file does not rebuild what includes it."""
    try:
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                os.utime(path)
                return
    except OSError:
        pass
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


# ---- migrations ------------------------------------------------------------------------------


def migrations(out, paths):
    rows = []
    for i, path in enumerate(sorted(paths, key=os.path.basename), 1):
        match = re.match(r"([0-9]{4})_[a-z0-9_]+\.sql$", os.path.basename(path))
        if not match:
            raise Mistake(path, 1, "a migration is called NNNN_name.sql")
        if int(match.group(1)) != i:
            raise Mistake(path, 1, f"number {i:04d} should stand here: they are gapless from 0001")
        name = os.path.basename(path)[: -len(".sql")]
        rows.append(f'    {{{i}, "{name}",\n{c_string(read(path), "     ")}}},\n')
    # C knows no empty array; a row of zeros that nobody counts stands in.
    body = "".join(rows) or "    {0, 0, 0},\n"
    write(
        out,
        "/* Made by .cmake/embed_sql.py from migrations/. */\n"
        '#include "pg/migrate.h"\n\n'
        f"const struct migration migrations[] = {{\n{body}}};\n"
        f"const int migration_count = {len(rows)};\n",
    )


# ---- statements ------------------------------------------------------------------------------


class Statement:
    def __init__(self, path):
        self.path = path
        self.text = read(path)
        self.head = {}  # key -> (line, text)
        self.params = []
        self.columns = []
        self.parse_head()
        self.parse_lists()
        self.check_body()

    def fail(self, line, text):
        raise Mistake(self.path, line, text)

    def parse_head(self):
        lines = self.text.split("\n")
        open_key = None
        count = 0
        for number, line in enumerate(lines, 1):
            if line.strip() and not line.startswith("--"):
                break
            count = number
            key, more = KEY.match(line), MORE.match(line)
            if key:
                open_key = key.group(1)
                if open_key in self.head:
                    self.fail(number, f"`{open_key}` is given twice")
                self.head[open_key] = (number, key.group(2).strip())
            elif more and open_key in ("in", "out"):
                first, text = self.head[open_key]
                self.head[open_key] = (first, f"{text} {more.group(1).strip()}")
            else:
                open_key = None
        self.body_line = count + 1
        self.body = "\n".join(lines[count:]).rstrip()

    def items(self, key):
        if key not in self.head:
            return 1, []
        line, text = self.head[key]
        items = [item.strip() for item in split_list(text)]
        if not text or not all(items):
            self.fail(line, f"`{key}` has an empty item (leave the line out if there is none)")
        return line, items

    def parse_lists(self):
        expected = os.path.basename(self.path)[: -len(".sql")]
        line, name = self.head.get("name", (1, None))
        if name is None:
            self.fail(1, "the line `-- name:` is missing")
        if name != expected:
            self.fail(line, f"name is {name}, but the file is called {expected}.sql")
        if not NAME.match(name):
            self.fail(line, f"{name} is no name: lower case, digits and _, at most 63")
        self.name = name
        line, items = self.items("in")
        for item in items:
            if not re.match(r"[a-z][a-z0-9_]* \S", item):
                self.fail(line, f"parameter `{item}` is not `name type`")
            self.params.append(item)
        if len({item.split()[0] for item in items}) != len(items):
            self.fail(line, "two parameters have the same name")
        if len(items) > MAX_PARAMS:
            self.fail(line, f"{len(items)} parameters, at most {MAX_PARAMS} are possible")
        line, self.columns = self.items("out")
        for column in self.columns:
            if not re.match(r"[a-z_][a-z0-9_]*$", column):
                self.fail(line, f"column `{column}` is not a plain lower-case name")

    def check_body(self):
        used, ended, seen = {}, 0, False
        for match in TOKEN.finditer(self.body):
            line = self.body_line + self.body.count("\n", 0, match.start())
            kind = match.lastgroup if match.lastgroup != "tag" else "dollar"
            if kind in ("space", "comment"):
                continue
            if ended:
                self.fail(line, "more than one statement")
            if kind == "semicolon":
                ended = line
                continue
            seen = True
            if kind == "param":
                used.setdefault(int(match.group()[1:]), line)
        if not seen:
            self.fail(min(self.body_line, self.text.count("\n") + 1), "there is no statement")
        self.check_params(used)

    def check_params(self, used):
        line = self.head.get("in", (1, ""))[0]
        for number in sorted(used):
            if number < 1 or number > len(self.params):
                self.fail(used[number], f"${number} is used, but `in` names {len(self.params)}")
        for number, item in enumerate(self.params, 1):
            if number not in used:
                self.fail(line, f"parameter {item.split()[0]} (${number}) is never used")

    @property
    def symbol(self):
        return f"SQL_{self.name.upper()}"

    def definition(self):
        body = self.body.rstrip(";").rstrip()
        columns = ""
        pointer = "0"
        if self.columns:
            pointer = f"{self.name}_columns"
            names = ", ".join(f'"{column}"' for column in self.columns)
            columns = f"static const char *const {pointer}[] = {{{names}}};\n"
        takes = ", ".join(self.params) or "nothing"
        return (
            f"/* in: {takes} */\n{columns}"
            f'const struct pg_stmt {self.symbol} = {{"{self.name}",\n{c_string(body)},\n'
            f"    {len(self.params)}, {len(self.columns)}, {pointer}}};\n\n"
        )


def split_list(text):
    """At commas outside of parentheses: numeric(10,2) is one type."""
    items, depth, start = [], 0, 0
    for i, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            items.append(text[start:i])
            start = i + 1
    return items + [text[start:]]


def statements(out_c, out_h, paths):
    found = [Statement(path) for path in sorted(paths, key=os.path.basename)]
    header = os.path.basename(out_h)
    guard = re.sub(r"[^A-Z0-9]", "_", header.upper())
    externs = "".join(f"extern const struct pg_stmt {s.symbol};\n" for s in found)
    write(
        out_h,
        "/* Made by .cmake/embed_sql.py. */\n"
        f"#ifndef {guard}\n#define {guard}\n\n"
        '#include <stddef.h>\n\n#include "pg/pg.h"\n\n'
        f"{externs}\n"
        "/* All of them, for pg_pool_config. */\n"
        "extern const struct pg_stmt *const sql_catalogue[];\n"
        "extern const size_t sql_catalogue_count;\n\n#endif\n",
    )
    rows = "".join(f"    &{s.symbol},\n" for s in found) or "    0,\n"
    write(
        out_c,
        "/* Made by .cmake/embed_sql.py. */\n"
        f'#include "{header}"\n\n'
        + "".join(s.definition() for s in found)
        + f"const struct pg_stmt *const sql_catalogue[] = {{\n{rows}}};\n"
        f"const size_t sql_catalogue_count = {len(found)};\n",
    )


def main(argv):
    try:
        if len(argv) >= 3 and argv[1] == "migrations":
            migrations(argv[2], argv[3:])
        elif len(argv) >= 4 and argv[1] == "statements":
            statements(argv[2], argv[3], argv[4:])
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except Mistake as mistake:
        print(mistake, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
