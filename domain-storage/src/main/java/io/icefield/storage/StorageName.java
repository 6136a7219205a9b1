package io.icefield.storage;

import java.util.regex.Pattern;

/// A storage's name in its domain: 1 to 30 lower-case letters, digits and dashes, none of these at an end.
public record StorageName(String value) implements Comparable<StorageName> {
    private static final Pattern FORM = Pattern.compile("[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?");

    /// The one that a domain is made with.
    public static final StorageName MAIN = new StorageName("main");

    public StorageName {
        if (!FORM.matcher(value).matches()) {
            throw new IllegalArgumentException(
                    "`%s` is no name of a storage: use 1 to 30 of a-z, 0-9 and -, and no - at an end"
                            .formatted(value.length() > 60 ? value.substring(0, 60) + "…" : value));
        }
    }

    @Override
    public int compareTo(StorageName other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
