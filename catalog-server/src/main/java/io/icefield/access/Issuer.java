package io.icefield.access;

import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/// An OpenID Connect provider whose tokens we believe.
///
/// @param name the `iss` of its tokens, compared letter by letter
/// @param audiences one of them must be among the `aud` of a token
/// @param keys where its JSON Web Key Set is; empty: where its discovery document says
/// @param algorithms what it signs with
/// @param userClaim the claim that holds the user's name
/// @param groupsClaim the claim that holds the names of groups; dots lead into objects
/// @param prefix put before every name of a user or group, so that its `admin` is not ours
public record Issuer(
        String name,
        Set<String> audiences,
        Optional<URI> keys,
        Set<String> algorithms,
        String userClaim,
        String groupsClaim,
        String prefix) {
    /// Asymmetric ones only: a public key must not be good for making signatures.
    public static final List<String> ALGORITHMS =
            List.of("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512");

    /// Ends with a mark, so that no prefix makes a whole name.
    public static final Pattern PREFIX = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9_.@-]{0,29}[_.@-]");

    public Issuer {
        if (!PREFIX.matcher(prefix).matches()) {
            throw new IllegalArgumentException(
                    "`%s` is no prefix: use 2 to 31 letters, digits and `_.@-`, the last one of `_.@-`"
                            .formatted(prefix));
        }
        URI _ = checked(URI.create(name));
        keys.ifPresent(Issuer::checked);
        if (audiences.isEmpty() || algorithms.isEmpty() || !ALGORITHMS.containsAll(algorithms)) {
            throw new IllegalArgumentException(
                    "an issuer has audiences, and algorithms that are some of %s".formatted(ALGORITHMS));
        }
        audiences = Set.copyOf(audiences);
        algorithms = Set.copyOf(algorithms);
    }

    /// An address that we fetch keys from: nobody on the way may change them.
    public static URI checked(URI at) {
        String host = at.getHost();
        boolean here = host != null && Set.of("localhost", "127.0.0.1", "[::1]").contains(host);
        if (host == null || !("https".equals(at.getScheme()) || ("http".equals(at.getScheme()) && here))) {
            throw new IllegalArgumentException("`%s` is not `https://…`, or `http://…` on this machine".formatted(at));
        }
        return at;
    }

    /// Would names of one issuer be names of the other?
    public boolean overlaps(Issuer other) {
        return prefix.startsWith(other.prefix) || other.prefix.startsWith(prefix);
    }
}
