-- Scan plans that are too large for one answer. `scan` is what to plan, its snapshot fixed, so that any replica can.
-- Whoever runs the plan has it until `leased_until`, as `runner`; then another may take it. Pages are gzipped JSON.
CREATE TABLE plans (
    id           uuid PRIMARY KEY,
    relation_id  bigint NOT NULL REFERENCES relations (id) ON DELETE CASCADE,
    principal    text COLLATE "C" NOT NULL,
    scan         text NOT NULL,
    state        text NOT NULL CHECK (state IN ('submitted', 'completed', 'cancelled', 'failed')),
    failure      text CHECK (failure IN ('invalid', 'not_allowed', 'unsupported', 'unavailable')),
    message      text,
    pages        integer NOT NULL DEFAULT 0,
    runner       uuid NOT NULL,
    leased_until timestamptz NOT NULL,
    attempts     integer NOT NULL DEFAULT 1,
    expires_at   timestamptz NOT NULL,
    CHECK ((state = 'failed') = (failure IS NOT NULL AND message IS NOT NULL))
);
CREATE INDEX plans_relation ON plans (relation_id);
CREATE INDEX plans_expiry ON plans (expires_at);
CREATE INDEX plans_submitted ON plans (principal) WHERE state = 'submitted';

CREATE TABLE plan_pages (
    plan_id uuid NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    page    integer NOT NULL,
    body    bytea NOT NULL,
    PRIMARY KEY (plan_id, page)
);
ALTER TABLE plan_pages ALTER COLUMN body SET STORAGE EXTERNAL;
