package io.icefield.table;

import io.icefield.policy.Column;
import io.icefield.storage.Location;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/// The table format: reads requests and metadata, applies and compares. Pure but for its clock and random UUIDs; the
/// core hands it text
/// and bytes and is told what would change. Every method throws `Refusal.Invalid` for what the format does not allow.
public interface TableFormat {
    /// Reads a CreateTableRequest (Iceberg REST). Nothing is applied yet.
    CreateRequest createRequest(String body);

    /// A request to create a table.
    ///
    /// @param location where the caller wants it; empty: we choose
    record CreateRequest(String name, Optional<String> location, boolean staged, Object parsed) {}

    /// Metadata of a new, empty table.
    Prepared create(CreateRequest request, UUID uuid, Location location);

    /// Reads a CommitTableRequest. Unknown updates and requirements are refused.
    CommitRequest commitRequest(String body);

    /// A request to change a table.
    ///
    /// @param creates it requires that the table is not there: the commit of a staged creation
    record CommitRequest(boolean creates, Object parsed) {}

    /// Reads a CommitTransactionRequest, in its order. What is refused in a commit is refused here.
    List<TableChange> transactionRequest(String body);

    /// One table's part of a transaction; a table may have several.
    record TableChange(List<String> namespace, String table, CommitRequest request) {
        public TableChange {
            namespace = List.copyOf(namespace);
        }
    }

    /// Applies commits to the current metadata, each to what the one before it leaves. Throws `Refusal.Conflict` when a
    /// requirement does not hold.
    Prepared commit(Metadata current, List<CommitRequest> requests);

    /// Applies the commit of a staged creation to nothing, and further commits to what it leaves.
    ///
    /// @param proposed where the table goes if the commit does not say
    Prepared commitNew(List<CommitRequest> requests, Location proposed);

    /// What a metadata file of a table that is there says.
    Prepared read(Metadata metadata);

    /// The columns of each schema that the table had before and still knows, without tags: reading its past shows them.
    List<List<Column>> pastColumns(Metadata metadata);

    /// What a metadata file says that others wrote; for register. Read strictly, and `json` is written anew.
    Prepared adopt(Metadata metadata);

    /// The same metadata with only those snapshots that a branch or tag names (`snapshots=refs`).
    byte[] refsOnly(Metadata metadata);

    /// Metadata that could be published, and what a policy and the location validator need to know about it.
    ///
    /// @param unchanged nothing would change: the current metadata is the answer
    /// @param location the table's folder, as the metadata has it
    /// @param folders other folders it names: `write.data.path`, `write.metadata.path`, …
    /// @param columns all levels, parents first, without tags
    /// @param json the metadata file's content
    /// @param file name of the metadata file to write, `00003-<uuid>.metadata.json`
    /// @param forgotten metadata files that leave the log, and that the table wants deleted after the commit
    /// @param files other files that it now names, and that may be anywhere until the location validator has seen
    /// them
    record Prepared(
            boolean unchanged,
            UUID uuid,
            String location,
            Map<String, String> folders,
            List<Column> columns,
            Map<String, String> properties,
            byte[] json,
            String file,
            List<String> forgotten,
            List<String> files) {
        public Prepared {
            forgotten = List.copyOf(forgotten);
            files = List.copyOf(files);
            folders = Map.copyOf(folders);
            columns = List.copyOf(columns);
            properties = Map.copyOf(properties);
        }

        public Prepared(
                boolean unchanged,
                UUID uuid,
                String location,
                Map<String, String> folders,
                List<Column> columns,
                Map<String, String> properties,
                byte[] json,
                String file) {
            this(unchanged, uuid, location, folders, columns, properties, json, file, List.of(), List.of());
        }

        public Prepared forgetting(List<String> old) {
            return new Prepared(unchanged, uuid, location, folders, columns, properties, json, file, old, files);
        }

        public Prepared naming(List<String> others) {
            return new Prepared(unchanged, uuid, location, folders, columns, properties, json, file, forgotten, others);
        }
    }
}
