package io.icefield.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.icefield.client.ApiClient;
import io.icefield.client.Credential;
import io.icefield.local.LocalMesh;
import io.icefield.local.MeshException;
import io.icefield.local.MeshHome;
import io.icefield.local.MeshState;
import io.icefield.local.Principals;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;

/// The mesh that a command speaks to, and as whom.
sealed interface Target {
    /// As this principal, or as the target's own when none is named.
    ApiClient as(Optional<String> principal);

    default ApiClient client() {
        return as(Optional.empty());
    }

    URI trino();

    Optional<Path> trinoTrustStore();

    /// The id and secret of a principal: a job renews its tokens itself.
    Credential credential(String principal);

    /// Called after domains may have changed.
    void domainsChanged();

    /// `ICEFIELD_URI` names a mesh anywhere; otherwise it is the one of the home, which must be up.
    static Target of(MeshHome home, Map<String, String> environment) {
        return environment.containsKey("ICEFIELD_URI") ? new Remote(environment) : new Local(home);
    }

    /// The mesh of a home: the administrator's secret is there, and so are the others'.
    record Local(MeshHome home, MeshState.Addresses addresses) implements Target {
        Local(MeshHome home) {
            this(home, stateOf(home).addresses());
        }

        static MeshState stateOf(MeshHome home) {
            Optional<MeshState> state = LocalMesh.stateOf(home);
            if (state.map(MeshState::phase).equals(Optional.of(MeshState.Phase.STARTING))) {
                throw new MeshException("the mesh in `%s` is still starting".formatted(home.folder()));
            }
            return state.orElseThrow(() -> new MeshException(
                    "no mesh is up in `%s`; start it with `icefield up`, or name another one with --home or ICEFIELD_URI"
                            .formatted(home.folder())));
        }

        @Override
        public ApiClient as(Optional<String> principal) {
            return ApiClient.withCredential(addresses.catalog(), credential(principal.orElse(Principals.ADMIN)));
        }

        @Override
        public Credential credential(String principal) {
            Principals principals = new Principals(home);
            return principals
                    .find(principal)
                    .or(() -> {
                        domainsChanged(); // it may be the job of a domain that was made elsewhere
                        return principals.find(principal);
                    })
                    .orElseThrow(() -> new MeshException("the home `%s` has no secret of a principal `%s`; it knows %s"
                            .formatted(
                                    home.folder(),
                                    principal,
                                    principals.all().stream()
                                            .map(Principals.Known::name)
                                            .toList())))
                    .credential();
        }

        @Override
        public URI trino() {
            return addresses.trino();
        }

        @Override
        public Optional<Path> trinoTrustStore() {
            return addresses.trinoTrustStore();
        }

        @Override
        public void domainsChanged() {
            new Principals(home).ensureJobs(client());
        }
    }

    /// A mesh anywhere, as the one principal that the environment holds the token or the secret of.
    record Remote(Map<String, String> environment) implements Target {
        @Override
        public ApiClient as(Optional<String> principal) {
            ApiClient client = client(URI.create(setting("ICEFIELD_URI")));
            if (principal.isPresent() && !principal.get().equals(subject(client.token()))) {
                throw new MeshException(
                        "the environment's credential is `%s`'s, not `%s`'s; on a mesh elsewhere a command has one identity"
                                .formatted(subject(client.token()), principal.get()));
            }
            return client;
        }

        private ApiClient client(URI server) {
            if (environment.containsKey("ICEFIELD_TOKEN")) {
                return ApiClient.withToken(server, setting("ICEFIELD_TOKEN"));
            }
            return ApiClient.withCredential(
                    server, new Credential(setting("ICEFIELD_CLIENT_ID"), setting("ICEFIELD_CLIENT_SECRET")));
        }

        @Override
        public Credential credential(String principal) {
            return new Credential(setting("ICEFIELD_CLIENT_ID"), setting("ICEFIELD_CLIENT_SECRET"));
        }

        @Override
        public URI trino() {
            return URI.create(setting("ICEFIELD_TRINO_URI"));
        }

        @Override
        public Optional<Path> trinoTrustStore() {
            return Optional.ofNullable(environment.get("ICEFIELD_TRINO_TRUST_STORE"))
                    .map(Path::of);
        }

        @Override
        public void domainsChanged() {} // a mesh elsewhere names its jobs itself

        @Override
        public String toString() {
            return "Remote[%s]".formatted(environment.get("ICEFIELD_URI"));
        }

        private String setting(String name) {
            String value = environment.get(name);
            if (value == null || value.isBlank()) {
                throw new MeshException(
                        "set %s: with ICEFIELD_URI the mesh is elsewhere (see docs/cli.md)".formatted(name));
            }
            return value;
        }
    }

    /// Whom a token is for, as it says itself; its signature is for the server to check.
    static String subject(String token) {
        String[] parts = token.split("\\.");
        try {
            JsonNode claims = parts.length == 3
                    ? new ObjectMapper().readTree(Base64.getUrlDecoder().decode(parts[1]))
                    : new ObjectMapper().createObjectNode();
            if (claims.path("sub").isTextual()) {
                return claims.path("sub").asText();
            }
        } catch (IOException | IllegalArgumentException _) {
            // said below
        }
        throw new MeshException("the token does not say whom it is for; is it one of Icefield's?");
    }
}
