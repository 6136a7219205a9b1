-- Until when a grant gives something, who gave it and why; nobody knows that of what was given before this. What has
-- expired gives nothing, and is listed until it is forgotten.
ALTER TABLE grants
    ADD COLUMN expires_at timestamptz NOT NULL DEFAULT 'infinity',
    ADD COLUMN granted_by text COLLATE "C",
    ADD COLUMN granted_at timestamptz,
    ADD COLUMN reason text;
CREATE INDEX grants_expiry ON grants (expires_at) WHERE expires_at < 'infinity';

ALTER TABLE dropped_grants
    ADD COLUMN expires_at timestamptz NOT NULL DEFAULT 'infinity',
    ADD COLUMN granted_by text COLLATE "C",
    ADD COLUMN granted_at timestamptz,
    ADD COLUMN reason text;

-- Who asks for a role on what. `scope` as in `grants`, but of things that need not be there: whoever asks is not told
-- whether they are. `around`: the scope and all that enclose it, so that whose it is to decide is found by index.
CREATE TABLE access_requests (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    requester    text COLLATE "C" NOT NULL,
    scope        text COLLATE "C" NOT NULL,
    around       text[] COLLATE "C" NOT NULL,
    role         text COLLATE "C" NOT NULL CHECK (role IN ('reader', 'writer', 'steward', 'owner')),
    reason       text NOT NULL,
    until        timestamptz,
    requested_at timestamptz NOT NULL,
    state        text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'approved', 'refused', 'withdrawn')),
    decided_by   text COLLATE "C",
    decided_at   timestamptz,
    decision     text,
    expires_at   timestamptz,
    CHECK ((state = 'open') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX access_requests_open ON access_requests (requester, scope, role) WHERE state = 'open';
CREATE INDEX access_requests_decided ON access_requests (decided_at) WHERE state <> 'open';
