-- What the doors refused is of use while somebody may look into it, and no longer: the oldest ones go as new ones come.
CREATE INDEX desk_event_refused ON desk_event (at) WHERE type = 'door.refused';
