-- name: config_lock
-- out: code
-- First statement of a transaction that puts a version in force: nobody else, an import neither, does so meanwhile, and the
-- statement behind it sees what was stored before. (An import locks the same row by writing it.)
SELECT code FROM city FOR UPDATE
