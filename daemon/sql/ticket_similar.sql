-- name: ticket_similar
-- in: since bigint, until bigint, self bigint, region text, category text, phone bytea, grams bigint[], title bigint[],
--     sample integer
-- out: number, title, text, region, category, state, received_us, same_caller, seen, sampled
-- Tickets that may be about the same matter as a draft, for the scorer: numbers in [since, until), each source with its
-- own bound. By words: those that share the most pairs with the draft among the newest `sample` tickets, and of all others
-- those that share its rare pairs, where rare is what at most 2 % of the sample have; the title's come first. By caller. By
-- place and category, siblings of the category included. And what the index of words does not have yet.
-- (number + 0 keeps the planner at the pairs: it does not know how rare they are.)
-- seen: in how many of the `sampled` tickets each pair of the title was seen, in the order of the pairs.
WITH draft AS MATERIALIZED (
    SELECT gram::integer AS gram, gram = ANY ($8::bigint[]) AS is_title FROM unnest($7::bigint[]) AS u (gram)
),
sample AS MATERIALIZED (
    SELECT number, grams FROM ticket_text
    WHERE number < $2::bigint AND number <> $3::bigint
    ORDER BY number DESC
    LIMIT $9::integer
),
hits AS MATERIALIZED (
    SELECT s.number, g.gram
    FROM sample s CROSS JOIN LATERAL unnest(s.grams) AS g (gram)
    JOIN draft USING (gram)
),
seen AS MATERIALIZED (
    SELECT d.gram, d.is_title, count(h.gram) AS seen FROM draft d LEFT JOIN hits h USING (gram) GROUP BY d.gram, d.is_title
),
rare AS MATERIALIZED (
    SELECT gram FROM seen WHERE seen <= $9::integer / 50 ORDER BY is_title DESC, seen, gram LIMIT 24
),
candidate AS (
    (SELECT number FROM hits WHERE number >= $1::bigint GROUP BY number ORDER BY count(*) DESC, number DESC LIMIT 40)
    UNION
    (SELECT p.number
     FROM rare CROSS JOIN LATERAL (SELECT x.number FROM ticket_text x
                                   WHERE x.grams @> ARRAY[rare.gram] AND x.number + 0 >= $1 AND x.number + 0 < $2
                                   LIMIT 400) AS p
     GROUP BY p.number ORDER BY count(*) DESC, p.number DESC LIMIT 80)
    UNION
    (SELECT number FROM requester
     WHERE phone_index = $6::bytea AND number >= $1 AND number < $2 ORDER BY number DESC LIMIT 20)
    UNION
    (SELECT t.number FROM ticket t
     WHERE t.region = $4::text AND t.number >= $1 AND t.number < $2
       AND t.category IN (SELECT s.code FROM category c JOIN category s ON s.code = c.code OR s.parent = c.parent
                          WHERE c.code = $5::text)
     ORDER BY t.number DESC LIMIT 40)
    UNION
    (SELECT number FROM ticket_text_tail WHERE number >= $1 AND number < $2 ORDER BY number DESC LIMIT 100)
)
SELECT t.number, t.title, t.text, t.region, t.category, t.state,
       (extract(epoch FROM t.received_at) * 1000000)::bigint AS received_us,
       EXISTS (SELECT FROM requester r WHERE r.number = t.number AND r.phone_index = $6) AS same_caller,
       (SELECT string_agg(seen::text, ',' ORDER BY gram) FROM seen WHERE is_title) AS seen,
       (SELECT count(*) FROM sample) AS sampled
FROM candidate c JOIN ticket t USING (number)
WHERE t.number <> $3
