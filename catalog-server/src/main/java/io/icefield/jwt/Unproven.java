package io.icefield.jwt;

import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.text.ParseException;
import java.util.Optional;

/// What a token says before anybody has looked at its signature: good for nothing but to find out whom to ask.
///
/// @param issuer the `iss`
/// @param keyId the `kid`
record Unproven(SignedJWT jwt, JWTClaimsSet claims, String issuer, String keyId) {
    /// Longer tokens are not looked at.
    static final int CHARS_MAX = 16_384;

    /// Empty when it is no signed token, does not say whose it is or which key signed it, or wants to be read in a
    /// special way (`crit`): nobody here knows one.
    static Optional<Unproven> read(String token) {
        if (token.length() > CHARS_MAX) {
            return Optional.empty();
        }
        try {
            SignedJWT jwt = SignedJWT.parse(token);
            JWTClaimsSet claims = jwt.getJWTClaimsSet();
            String keyId = jwt.getHeader().getKeyID();
            return claims == null
                            || claims.getIssuer() == null
                            || keyId == null
                            || jwt.getHeader().getCriticalParams() != null
                    ? Optional.empty()
                    : Optional.of(new Unproven(jwt, claims, claims.getIssuer(), keyId));
        } catch (ParseException | RuntimeException e) {
            return Optional.empty(); // the library's reader stumbles over some nonsense
        }
    }
}
