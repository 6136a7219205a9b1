package io.icefield.access;

import java.util.Locale;

/// To whom something is granted: `principal:bob` or `group:analysts`.
public record Grantee(Kind kind, String name) {
    /// A principal or a group.
    public enum Kind {
        PRINCIPAL,
        GROUP
    }

    public Grantee {
        if (!Principal.NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "a grantee is `principal:NAME` or `group:NAME`, a name 1 to 100 letters, digits and `_.@-`");
        }
    }

    public static Grantee parse(String text) {
        int colon = text.indexOf(':');
        String kind = colon < 0 ? "" : text.substring(0, colon);
        return switch (kind) {
            case "principal" -> new Grantee(Kind.PRINCIPAL, text.substring(colon + 1));
            case "group" -> new Grantee(Kind.GROUP, text.substring(colon + 1));
            default -> throw new IllegalArgumentException("a grantee is `principal:NAME` or `group:NAME`");
        };
    }

    @Override
    public String toString() {
        return kind.name().toLowerCase(Locale.ROOT) + ":" + name;
    }
}
