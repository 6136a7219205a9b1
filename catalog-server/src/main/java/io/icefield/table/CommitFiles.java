package io.icefield.table;

import io.icefield.access.Refusal;
import io.icefield.domain.Domain;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.Location;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The files in one table's folder as its commit sees them. What the commit writes stays in memory until all of it is
/// written, right before the publication.
final class CommitFiles implements TableFormat.Files {
    /// Of a manifest or a list of manifests. Iceberg's clients make manifests of 8 MB.
    static final int FILE_BYTES_MAX = 32 << 20;

    private final DomainStorage storage;
    private final Domain domain;
    private final Location folder;
    private final Map<Location, byte[]> written = new LinkedHashMap<>();

    CommitFiles(DomainStorage storage, Domain domain, Location folder) {
        this.storage = storage;
        this.domain = domain;
        this.folder = folder;
    }

    @Override
    public byte[] read(String uri) {
        Location at = inside(uri);
        byte[] own;
        synchronized (written) {
            own = written.getOrDefault(at, new byte[0]);
        }
        return own.length > 0
                ? own
                : storage.read(domain.storageAt(at), at, FILE_BYTES_MAX)
                        .orElseThrow(() -> new Refusal.Conflict("the file `%s` is gone".formatted(at)));
    }

    @Override
    public void write(String uri, byte[] content) {
        Location at = inside(uri);
        synchronized (written) {
            written.put(at, content);
        }
    }

    @Override
    public void forget(String uri) {
        Location at = inside(uri);
        synchronized (written) {
            written.remove(at);
        }
    }

    private Location inside(String uri) {
        return Locations.parsed(uri)
                .filter(at -> at.isWithin(folder))
                .orElseThrow(() -> new Refusal.Conflict("a file is not in the folder `%s`".formatted(folder)));
    }

    /// What was written so far.
    List<Location> names() {
        synchronized (written) {
            return List.copyOf(written.keySet());
        }
    }

    /// Forgets what was written since.
    void back(List<Location> then) {
        synchronized (written) {
            written.keySet().retainAll(then);
        }
    }

    List<MetadataFiles.Unwritten> all() {
        synchronized (written) {
            List<MetadataFiles.Unwritten> all = new ArrayList<>();
            written.forEach((at, content) -> all.add(new MetadataFiles.Unwritten(domain, at, content)));
            return all;
        }
    }
}
