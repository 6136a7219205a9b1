-- A dropped table keeps its UUID while it can come back: every creation asks whether its own is free.
CREATE INDEX dropped_uuid ON dropped (uuid);
