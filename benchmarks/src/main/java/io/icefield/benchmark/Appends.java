package io.icefield.benchmark;

import java.io.IOException;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.types.Types;

/// Appends as jobs do them: Iceberg's own client writes a manifest and a list of manifests to the object store,
/// commits, and starts again with the newest snapshot after a 409, as often as it does without being told
/// otherwise. The data file itself is only said to be there.
final class Appends implements AutoCloseable {
    private final RESTCatalog catalog;
    private final TableIdentifier name;
    private final AtomicLong acknowledged = new AtomicLong();
    private final AtomicLong givenUp = new AtomicLong();

    Appends(Target target, String table) {
        this.catalog = target.client();
        this.name = TableIdentifier.of("core", table);
        Table _ = catalog.createTable(name, new Schema(Types.NestedField.required(1, "id", Types.LongType.get())));
    }

    /// A writer with a view of the table of its own.
    Load.Operation next() {
        Table table = catalog.loadTable(name);
        return () -> {
            try {
                table.newFastAppend()
                        .appendFile(DataFiles.builder(table.spec())
                                .withPath("%s/data/%s.parquet".formatted(table.location(), UUID.randomUUID()))
                                .withFileSizeInBytes(1_000)
                                .withRecordCount(10)
                                .build())
                        .commit();
                acknowledged.incrementAndGet();
            } catch (CommitFailedException e) {
                givenUp.incrementAndGet();
                table.refresh();
            }
        };
    }

    /// Is every append there that was acknowledged?
    void check() {
        Table table = catalog.loadTable(name);
        long snapshots = 0;
        for (var _ : table.snapshots()) {
            snapshots++;
        }
        System.out.printf(
                "%nOf the appends, warm-up included: %,d acknowledged, %,d there, %,d given up by their writers.%n%n",
                acknowledged.get(), snapshots, givenUp.get());
    }

    @Override
    public void close() throws IOException {
        catalog.close();
    }
}
