package io.icefield.table;

import io.icefield.access.Refusal;
import io.icefield.domain.Domain;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.Location;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/// The metadata files in the domains' buckets. Reads prefer the copy that the database keeps.
public final class MetadataFiles implements MetadataSource {
    static final int FILE_BYTES_MAX = 256 << 20;

    /// For one commit.
    private static final int WRITES_AT_ONCE_MAX = 32;

    private final TableStore store;
    private final DomainStorage storage;

    public MetadataFiles(TableStore store, DomainStorage storage) {
        this.store = store;
        this.storage = storage;
    }

    @Override
    public Metadata of(Table table) {
        return store.content(table)
                .map(json -> new Metadata(table.metadata(), json))
                .orElseGet(() -> published(table));
    }

    /// A pointer names a file that is there. If it cannot be read, that is for us to mend: whoever commits must
    /// not take it for a refusal, after which clients delete what they wrote.
    private Metadata published(Table table) {
        try {
            return read(table.domain(), table.metadata(), FILE_BYTES_MAX);
        } catch (Refusal.Invalid e) {
            throw new Refusal.Unavailable(
                    "the metadata of `%s` cannot be read: %s".formatted(table.name(), e.getMessage()));
        }
    }

    @Override
    public void remember(Table table, Metadata metadata) {}

    /// Reads a file of a domain from its bucket, on the word of a caller that it is one.
    Metadata read(Domain domain, Location at, int bytesMax) {
        byte[] content;
        try {
            content = storage.read(domain.storageAt(at), at, bytesMax)
                    .orElseThrow(() -> new Refusal.Invalid("there is no metadata file at `%s`".formatted(at)));
        } catch (DomainStorage.TooLong e) {
            throw new Refusal.Invalid("the file `%s` has more than %d bytes".formatted(at, bytesMax));
        }
        return new Metadata(at, compressed(at) ? unzipped(at, content, bytesMax) : content);
    }

    /// Writes a new file; never overwrites.
    Metadata write(Domain domain, Location folder, TableFormat.Prepared prepared) {
        Metadata file = name(folder, prepared);
        write(unwritten(domain, file));
        return file;
    }

    /// What the new file will be.
    static Metadata name(Location folder, TableFormat.Prepared prepared) {
        return new Metadata(folder.child(prepared.file()), prepared.json());
    }

    /// A file that is not in the bucket yet.
    record Unwritten(Domain domain, Location at, byte[] content) {
        @Override
        public String toString() {
            return at.toString();
        }
    }

    static Unwritten unwritten(Domain domain, Metadata file) {
        Location at = file.location();
        return new Unwritten(domain, at, compressed(at) ? zipped(file.json()) : file.json());
    }

    /// Writes new files, all of them at once; when one fails, none is left.
    void write(List<Unwritten> all) {
        if (all.size() == 1) {
            write(all.getFirst());
            return;
        }
        try {
            Parallel.run(
                    WRITES_AT_ONCE_MAX,
                    all.stream().<Runnable>map(each -> () -> write(each)).toList());
        } catch (RuntimeException e) {
            discard(all);
            throw e;
        }
    }

    private void write(Unwritten file) {
        storage.write(file.domain().storageAt(file.at()), file.at(), file.content());
    }

    /// Removes files that were surely never published.
    void discard(List<Unwritten> unpublished) {
        unpublished.stream()
                .collect(Collectors.groupingBy(
                        Unwritten::domain, Collectors.mapping(Unwritten::at, Collectors.toList())))
                .forEach(this::delete);
    }

    /// The files of a table that is there, for a commit.
    CommitFiles forCommit(Table table) {
        return new CommitFiles(storage, table.domain(), table.location());
    }

    /// Removes a file that was surely never published. A file that stays behind harms nobody, so failures are
    /// swallowed.
    void discard(Domain domain, Metadata unpublished) {
        delete(domain, List.of(unpublished.location()));
    }

    /// Removes old files that a table has asked to forget, after its commit.
    void forget(Domain domain, List<Location> old) {
        if (!old.isEmpty()) {
            delete(domain, old);
        }
    }

    private void delete(Domain domain, List<Location> files) {
        try {
            files.stream().collect(Collectors.groupingBy(domain::storageAt)).forEach(storage::delete);
        } catch (DomainStorage.StorageException e) {
            System.getLogger(MetadataFiles.class.getName()).log(System.Logger.Level.INFO, "left behind: {0}", files);
        }
    }

    private static boolean compressed(Location at) {
        return at.key().endsWith(".gz.metadata.json") || at.key().endsWith(".metadata.json.gz");
    }

    private static byte[] zipped(byte[] plain) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(plain.length / 8 + 64);
        try (GZIPOutputStream zip = new GZIPOutputStream(out)) {
            zip.write(plain);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    private static byte[] unzipped(Location at, byte[] zipped, int bytesMax) {
        try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(zipped))) {
            byte[] plain = in.readNBytes(bytesMax);
            if (plain.length == bytesMax) {
                throw new Refusal.Invalid("`%s` unpacks to more than %d bytes".formatted(at, bytesMax));
            }
            return plain;
        } catch (IOException e) {
            throw new Refusal.Invalid("`%s` is no gzip file".formatted(at));
        }
    }
}
