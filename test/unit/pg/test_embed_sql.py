#!/usr/bin/env python3
"""Does .cmake/embed_sql.py refuse what is wrong, with FILE:LINE, and repeat itself byte for byte?"""
import os
import subprocess
import sys
import tempfile
import unittest

SCRIPT = os.path.join(os.path.dirname(__file__), "..", "..", "..", ".cmake", "embed_sql.py")


class Embed(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def put(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return path

    def run_script(self, kind, outs, files):
        outs = [os.path.join(self.folder.name, out) for out in outs]
        done = subprocess.run([sys.executable, SCRIPT, kind, *outs, *files], capture_output=True,
                              text=True, check=False)
        texts = []
        for out in outs if done.returncode == 0 else []:
            with open(out, encoding="utf-8") as file:
                texts.append(file.read())
        return done, texts

    def statements(self, *files):
        return self.run_script("statements", ["sql_catalogue.c", "sql_catalogue.h"], files)

    def refused(self, text, line, says, name="s.sql"):
        done, _ = self.statements(self.put(name, text))
        self.assertEqual(done.returncode, 1, text)
        self.assertIn(f"{name}:{line}: ", done.stderr)
        self.assertIn(says, done.stderr)

    def test_a_good_statement(self):
        path = self.put("load.sql", "-- name: load\n-- in: number bigint, price numeric(10,2),\n"
                        "--     note text\n-- out: a, b\n-- why: $9 in a comment is nothing\n"
                        "SELECT '$7', E'\\'$8', $$ $5; $$, \"$6\" /* $4 ; */ -- ;\n"
                        " WHERE x = $1 AND y = $2 AND z = $3 OR $1 IS NULL;\n")
        done, texts = self.statements(path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('SQL_LOAD = {"load",', texts[0])
        self.assertIn("3, 2, load_columns};", texts[0])
        self.assertIn("extern const struct pg_stmt SQL_LOAD;", texts[1])
        self.assertNotIn("IS NULL;", texts[0])

    def test_nothing_in_nothing_out(self):
        done, texts = self.statements(self.put("s.sql", "-- name: s\nDELETE FROM x"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("0, 0, 0};", texts[0])

    def test_output_is_the_same_for_any_order_of_files(self):
        a = self.put("a.sql", "-- name: a\nSELECT")
        b = self.put("b.sql", "-- name: b\nSELECT '市民'")
        self.assertEqual(self.statements(a, b)[1], self.statements(b, a)[1])
        self.assertTrue(self.statements(a, b)[1][0].isascii())

    def test_refusals(self):
        head = "-- name: s\n"
        self.refused("SELECT 1", 1, "`-- name:` is missing")
        self.refused("-- name: t\nSELECT 1", 1, "file is called s.sql")
        self.refused(head + "-- name: s\nSELECT 1", 2, "given twice")
        self.refused(head + "\n\nSELECT $1", 4, "$1 is used, but `in` names 0")
        self.refused(head + "-- in: a text\nSELECT $1,\n$2", 4, "$2 is used, but `in` names 1")
        self.refused(head + "-- in: a text, b text\nSELECT $2", 2, "parameter a ($1) is never used")
        self.refused(head + "-- in: a text,\nSELECT $1", 2, "empty item")
        self.refused(head + "-- in: a\nSELECT $1", 2, "not `name type`")
        self.refused(head + "-- in: a text, a text\nSELECT $1, $2", 2, "same name")
        self.refused(head + "-- out: a, B\nSELECT 1", 2, "column `B`")
        self.refused(head + "SELECT 1;\nSELECT 2", 3, "more than one statement")
        self.refused(head + "-- only words\n", 3, "no statement")
        self.refused(b"-- name: s\nSELECT '\xff'", 2, "not UTF-8")
        self.refused(head + "SELECT '\0'", 2, "NUL byte")
        many = ", ".join(f"p{i} text" for i in range(81))
        self.refused(head + f"-- in: {many}\nSELECT 1", 2, "81 parameters")

    def test_migrations(self):
        one = self.put("0001_one.sql", 'CREATE TABLE "a??b\\c";\n')
        two = self.put("0002_two.sql", "")
        done, texts = self.run_script("migrations", ["m.c"], [two, one])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('{1, "0001_one",\n     "CREATE TABLE \\"a\\?\\?b\\\\c\\";\\n"}', texts[0])
        self.assertIn("migration_count = 2;", texts[0])
        done, _ = self.run_script("migrations", ["m.c"], [two])
        self.assertEqual(done.returncode, 1)
        self.assertIn("0002_two.sql:1: number 0001", done.stderr)
        done, _ = self.run_script("migrations", ["m.c"], [self.put("late.sql", "")])
        self.assertIn("NNNN_name.sql", done.stderr)


if __name__ == "__main__":
    unittest.main()
