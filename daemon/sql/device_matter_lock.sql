-- name: device_matter_lock
-- in: ids bigint[]
-- out: device
-- As device_lock, for the devices of these matters. What a press that is being stored says of a matter is then seen by who
-- gives it its number, or the other way round: one of the two tells the desks.
SELECT s.device
FROM device_state s
WHERE s.device IN (SELECT m.device FROM device_matter m WHERE m.id = ANY ($1::bigint[]))
ORDER BY s.device
FOR UPDATE
