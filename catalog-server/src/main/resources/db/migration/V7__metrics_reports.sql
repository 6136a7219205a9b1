-- What clients report of their scans and commits. No foreign key: writing a report never locks a table's row, and what
-- is left of tables that are gone grows old and goes too.
CREATE TABLE metrics_reports (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation_id bigint NOT NULL,
    kind        text NOT NULL,
    snapshot_id bigint,
    principal   text NOT NULL,
    received_at timestamptz NOT NULL,
    body        jsonb NOT NULL
);
CREATE INDEX metrics_reports_relation ON metrics_reports (relation_id, id);
CREATE INDEX metrics_reports_received ON metrics_reports (received_at);
