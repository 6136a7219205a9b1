package io.icefield.storage;

import java.util.Set;
import java.util.regex.Pattern;

/// A domain's name: also its REST prefix, its Trino catalog and, by default, its bucket. So it is 2 to 40 letters,
/// digits and `_`, a letter first and no `_` last: what SQL takes without quotes and, with `-` for `_`, S3 as a bucket.
public record DomainName(String value) implements Comparable<DomainName> {
    private static final Pattern FORM = Pattern.compile("[a-z][a-z0-9_]{0,38}[a-z0-9]");

    /// Names that mean something else to Trino or to us.
    private static final Set<String> RESERVED = Set.of("system", "jmx", "tpch", "mesh", "information_schema");

    public DomainName {
        if (!FORM.matcher(value).matches()) {
            throw new IllegalArgumentException(
                    "`%s` is no domain name: use 2 to 40 of a-z, 0-9 and _, a letter first and no _ at the end"
                            .formatted(shown(value)));
        }
        if (RESERVED.contains(value)) {
            throw new IllegalArgumentException("`%s` is reserved: choose another domain name".formatted(value));
        }
    }

    private static String shown(String value) {
        return value.length() > 60 ? value.substring(0, 60) + "…" : value;
    }

    @Override
    public int compareTo(DomainName other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
