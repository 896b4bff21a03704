-- name: tally_stock_tidy
-- Of what is not in hand any more. In the fold's own transaction, behind it: a statement cannot delete what it has just
-- updated.
DELETE FROM tally_stock WHERE open = 0 AND overdue = 0
