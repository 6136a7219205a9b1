-- Secrets of the whole mesh, each sealed and bound to its name. Like all sealed secrets they begin with a version: 2, then 8 bytes
-- say which key has sealed them; or 1, which does not say.
CREATE TABLE secrets (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text COLLATE "C" NOT NULL UNIQUE,
    sealed_key bytea NOT NULL
);
