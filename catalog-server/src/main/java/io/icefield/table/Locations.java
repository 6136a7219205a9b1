package io.icefield.table;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.access.Refusal;
import io.icefield.domain.Domain;
import io.icefield.storage.Location;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;

/// The one validator of where a table's files may be (invariant 4), asked before anything is vended or written.
final class Locations {
    private static final int READABLE_CHARS_MAX = 60;
    private static final int NAMESPACE_CHARS_MAX = 200;

    /// A longer folder leaves no room in the policy of its key, which has it several times.
    static final int FOLDER_CHARS_MAX = 320;

    private Locations() {}

    /// A new table's folder: readable, and unique by the table's UUID, so that a name that is used again never meets
    /// old files.
    static Location of(Namespace namespace, String name, UUID uuid) {
        return of(namespace).child(readable(name) + "-" + plain(uuid));
    }

    /// Where a namespace's tables go if nobody says otherwise; no two namespaces share it. Where names are not fit for
    /// a
    /// path, or too long for the policy of a key, a digest says which namespace it is.
    static Location of(Namespace namespace) {
        return in(namespace.home(), namespace.name());
    }

    /// The same in any of the domain's storages.
    static Location in(Location home, NamespaceId name) {
        String path = name.levels().stream().map(Locations::readable).collect(Collectors.joining("/"));
        return home.child(
                path.equals(String.join("/", name.levels())) && path.length() <= NAMESPACE_CHARS_MAX
                        ? path
                        : readable(name.levels().getLast()) + "-"
                                + plain(UUID.nameUUIDFromBytes(name.path().getBytes(UTF_8))));
    }

    private static String plain(UUID uuid) {
        return uuid.toString().replace("-", "");
    }

    private static String readable(String name) {
        String plain = name.replaceAll("[^A-Za-z0-9_-]", "_");
        return plain.length() > READABLE_CHARS_MAX ? plain.substring(0, READABLE_CHARS_MAX) : plain;
    }

    /// Empty: it is no location.
    static Optional<Location> parsed(String uri) {
        try {
            return Optional.of(Location.parse(uri));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    /// A folder that a caller asked for: strictly inside one of the domain's storages.
    static Location inside(Domain domain, String what, String uri) {
        Location location;
        try {
            location = Location.parse(uri);
        } catch (IllegalArgumentException e) {
            throw new Refusal.Invalid("%s `%s` is not allowed: %s".formatted(what, shown(uri), e.getMessage()));
        }
        if (domain.holding(location)
                .filter(storage -> !location.equals(storage.profile().home()))
                .isEmpty()) {
            throw new Refusal.Invalid(
                    "%s `%s` is outside the storage of domain `%s`: use a folder below `%s`, or leave it out"
                            .formatted(
                                    what,
                                    shown(uri),
                                    domain.name(),
                                    domain.storage().home()));
        }
        return location;
    }

    /// The table's folder, after every folder and every new file that its metadata names was found inside it:
    /// nobody who may read the table has a key to others, and we, who have, follow its files too.
    static Location check(Domain domain, TableFormat.Prepared prepared) {
        Location location = inside(domain, "the location", prepared.location());
        if (policyChars(location.key()) > FOLDER_CHARS_MAX) {
            throw new Refusal.Invalid(
                    "the location `%s` is too long: at most %d characters after the bucket, and a letter beyond ASCII counts for six"
                            .formatted(shown(location.toString()), FOLDER_CHARS_MAX));
        }
        prepared.folders().forEach((property, uri) -> {
            if (!inside(domain, "property `" + property + "`", uri).isWithin(location)) {
                throw new Refusal.Invalid("property `%s` is `%s`: it must be inside the table's own location `%s`"
                        .formatted(property, shown(uri), location));
            }
        });
        for (String file : prepared.files()) {
            if (!parsed(file).filter(at -> at.isWithin(location)).isPresent()) {
                throw new Refusal.Invalid(
                        "the file `%s` is outside the table's own location `%s`".formatted(shown(file), location));
            }
        }
        return location;
    }

    private static int policyChars(String key) {
        return key.chars().map(c -> c < 0x80 ? 1 : 6).sum();
    }

    /// Where the table's metadata files go; checked before.
    static Location metadataFolder(Location table, TableFormat.Prepared prepared) {
        String path = prepared.folders().get("write.metadata.path");
        return path == null ? table.child("metadata") : Location.parse(path);
    }

    private static String shown(String uri) {
        return uri.length() > 200 ? uri.substring(0, 200) + "…" : uri;
    }
}
