-- Requests that their clients may send again (`Idempotency-Key`): a row is written in the transaction of the change, so
-- that it is there if and only if the change is; or, with the answer, after a refusal. `note`: what
-- the answer needs when it is given again and the change has left nothing to load.
CREATE TABLE request_keys (
    principal  text COLLATE "C" NOT NULL,
    id         uuid NOT NULL,
    digest     text NOT NULL,
    note       text NOT NULL DEFAULT '',
    status     smallint,
    body       text,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (principal, id),
    CHECK ((status IS NULL) = (body IS NULL))
);
CREATE INDEX request_keys_expiry ON request_keys (expires_at);
