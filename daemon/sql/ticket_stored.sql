-- name: ticket_stored
-- in: numbers bigint[]
-- out: number
-- Which of our own numbers are stored. Decisive only after ticket_intake was sent again with them: its unique index waited for
-- any transaction still in doubt.
SELECT number FROM ticket WHERE number = ANY ($1::bigint[])
