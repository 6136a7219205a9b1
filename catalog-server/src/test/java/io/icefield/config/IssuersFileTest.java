package io.icefield.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.Issuer;
import io.icefield.policy.file.PolicyFileException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class IssuersFileTest {
    @TempDir
    Path folder;

    private List<Issuer> read(String text) throws IOException {
        return IssuersFile.read(Files.writeString(folder.resolve("issuers.yaml"), text));
    }

    @Test
    void issuersAreReadWithWhatIsUsual() throws IOException {
        assertThat(read("""
                issuers:
                  - issuer: https://login.acme.example/realms/main
                    audience: icefield
                    prefix: acme.
                  - issuer: http://localhost:9999/other
                    audience: [mesh, icefield]
                    jwks-uri: http://127.0.0.1:9999/keys
                    algorithms: [PS512]
                    user-claim: preferred_username
                    groups-claim: realm_access.roles
                    prefix: other-
                """))
                .containsExactly(
                        new Issuer(
                                "https://login.acme.example/realms/main",
                                Set.of("icefield"),
                                Optional.empty(),
                                Set.of("RS256", "ES256"),
                                "sub",
                                "groups",
                                "acme."),
                        new Issuer(
                                "http://localhost:9999/other",
                                Set.of("mesh", "icefield"),
                                Optional.of(URI.create("http://127.0.0.1:9999/keys")),
                                Set.of("PS512"),
                                "preferred_username",
                                "realm_access.roles",
                                "other-"));
        assertThat(read("{\"issuers\": [{\"issuer\": \"https://a.b\", \"audience\": \"x\", \"prefix\": \"a.\"}]}"))
                .as("JSON is YAML")
                .hasSize(1);
    }

    @Test
    void allThatIsWrongIsSaidWithItsPlace() {
        assertThatThrownBy(() -> read("""
                        issuers:
                          - issuer: http://login.acme.example
                            audience: icefield
                            prefix: acme
                            algoritms: [RS256]
                          - issuer: https://b.example
                            algorithms: [HS256, none, RS256]
                            jwks-uri: file:///etc/passwd
                            prefix: b.
                          - issuer: https://c.example
                            audience: x
                            prefix: c.
                          - issuer: https://c.example
                            audience: x
                            prefix: c.d.
                          - just text
                        more: 1
                        """))
                .isInstanceOf(PolicyFileException.class)
                .message()
                .contains("yaml:2:13: `issuer` must be `https://…`")
                .contains("yaml:4:13: `acme` is no prefix")
                .contains("yaml:5:5: unknown field `algoritms` in `issuers[0]`, did you mean `algorithms`?")
                .contains("yaml:6:5: `issuers[0].audience` is missing")
                .contains("yaml:7:18: `HS256` is no algorithm")
                .contains("yaml:7:25: `none` is no algorithm")
                .contains("yaml:8:15: `jwks-uri` must be")
                .contains("yaml:13:13: issuer `https://c.example` is there twice")
                .contains("yaml:15:13: prefix `c.d.` and `c.`, of another issuer, begin alike")
                .contains("yaml:16:5: ")
                .contains("yaml:17:1: unknown field `more`");
        assertThatThrownBy(() -> read("")).isInstanceOf(PolicyFileException.class);
        assertThatThrownBy(() -> read("issuers: x")).isInstanceOf(PolicyFileException.class);
        assertThatThrownBy(() -> read("a: [")).isInstanceOf(PolicyFileException.class);
        assertThatThrownBy(() -> IssuersFile.read(folder.resolve("none"))).isInstanceOf(PolicyFileException.class);
    }
}
