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
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/// The metadata files in the domains' buckets. Reads prefer the copy that the database keeps.
public final class MetadataFiles implements MetadataSource {
    static final int FILE_BYTES_MAX = 256 << 20;

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
            content = storage.read(domain.storage(), at, bytesMax)
                    .orElseThrow(() -> new Refusal.Invalid("there is no metadata file at `%s`".formatted(at)));
        } catch (DomainStorage.TooLong e) {
            throw new Refusal.Invalid("the file `%s` has more than %d bytes".formatted(at, bytesMax));
        }
        return new Metadata(at, compressed(at) ? unzipped(at, content, bytesMax) : content);
    }

    /// Writes a new file; never overwrites.
    Metadata write(Domain domain, Location folder, TableFormat.Prepared prepared) {
        Location at = folder.child(prepared.file());
        storage.write(domain.storage(), at, compressed(at) ? zipped(prepared.json()) : prepared.json());
        return new Metadata(at, prepared.json());
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
            storage.delete(domain.storage(), files);
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
