-- Principals with several secrets, and those whom identity providers proved. `id` is never given to another principal,
-- not even of the same name: tokens name it.
ALTER TABLE principals ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY UNIQUE;
-- Somebody of outside: who says so, and until when we remember.
ALTER TABLE principals ADD COLUMN issuer text, ADD COLUMN until timestamptz;
ALTER TABLE principals ADD CHECK ((issuer IS NULL) = (until IS NULL));
CREATE INDEX principals_until ON principals (until) WHERE until IS NOT NULL;

-- A secret that has expired signs nobody in; one that is gone makes the tokens void that were issued upon it.
CREATE TABLE principal_secrets (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    principal_id bigint NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
    hash         bytea NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz
);
CREATE INDEX principal_secrets_principal ON principal_secrets (principal_id);
INSERT INTO principal_secrets (principal_id, hash, created_at) SELECT id, secret_hash, created_at FROM principals;
ALTER TABLE principals DROP COLUMN secret_hash;

-- Grows with every change of a principal, in the same transaction: what was read of principals after reading this
-- number may be kept while the number stays.
CREATE TABLE principal_epoch (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    value bigint NOT NULL
);
INSERT INTO principal_epoch (value) VALUES (1);

-- Until then a key is only published.
ALTER TABLE signing_keys ADD COLUMN signs_from timestamptz;
UPDATE signing_keys SET signs_from = created_at;
ALTER TABLE signing_keys ALTER COLUMN signs_from SET NOT NULL;
