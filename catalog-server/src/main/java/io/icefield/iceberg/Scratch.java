package io.icefield.iceberg;

import java.util.OptionalLong;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableOperations;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.LocationProvider;

/// A table in memory: Iceberg's own operations work on it, and what they commit is its state. Only manifests and
/// their lists are written.
final class Scratch implements TableOperations {
    private final FileIO io;
    private final OptionalLong snapshotId;
    private TableMetadata now;

    Scratch(TableMetadata now, FileIO io) {
        this(now, io, OptionalLong.empty());
    }

    /// @param snapshotId of the next snapshot; empty: any
    Scratch(TableMetadata now, FileIO io, OptionalLong snapshotId) {
        this.now = now;
        this.io = io;
        this.snapshotId = snapshotId;
    }

    @Override
    public TableMetadata current() {
        return now;
    }

    @Override
    public TableMetadata refresh() {
        return now;
    }

    @Override
    public void commit(TableMetadata base, TableMetadata metadata) {
        now = metadata;
    }

    @Override
    public FileIO io() {
        return io;
    }

    @Override
    public String metadataFileLocation(String fileName) {
        return now.property(TableProperties.WRITE_METADATA_LOCATION, now.location() + "/metadata") + "/" + fileName;
    }

    @Override
    public LocationProvider locationProvider() {
        throw new UnsupportedOperationException("whoever writes data files names them");
    }

    @Override
    public long newSnapshotId() {
        return snapshotId.orElseGet(TableOperations.super::newSnapshotId);
    }
}
