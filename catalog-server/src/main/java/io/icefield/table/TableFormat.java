package io.icefield.table;

import io.icefield.policy.Column;
import io.icefield.storage.Location;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;

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

    /// Applies commits, each to what the one before it leaves. Throws `Refusal.Conflict` when a requirement does not
    /// hold.
    ///
    /// @param before what [#read] gave of the current file, or what another commit has made of that
    Prepared commit(Prepared before, List<CommitRequest> requests);

    /// What a request adds to a table that it does nothing else to: an append. Reads the files that say what is added.
    /// Empty: it does something else, or there is the slightest doubt.
    ///
    /// @param table in any state
    Optional<Append> append(CommitRequest request, Prepared table, Files files);

    /// An append, apart from the state that it was made for.
    record Append(Object parsed) {}

    /// The same append, made for this state; empty when it cannot be told that it is the same. Writes the files that
    /// the request it gives names.
    Optional<CommitRequest> moved(Append append, Prepared to, Files files);

    /// The files in one table's folder.
    interface Files {
        /// Throws `Refusal.Conflict` for what is not there and what is not in the folder, `StorageException` for
        /// what is too large or cannot be read now.
        byte[] read(String uri);

        void write(String uri, byte[] content);

        /// Takes back what was written.
        void forget(String uri);
    }

    /// What was prepared is in this file now: nobody need read it.
    void remember(Metadata written, Prepared prepared);

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

    /// Do its snapshots tell of partitions? They do if a table wants that (`write.summary.partition-limit`), and names
    /// of partitions are values of columns.
    boolean tellsPartitions(Metadata metadata);

    /// Metadata without what its snapshots tell of partitions.
    byte[] withoutPartitions(byte[] json);

    /// What the table's files weigh.
    Usage usage(Prepared table);

    /// Metadata that could be published, and what a policy and the location validator need to know about it.
    ///
    /// @param unchanged nothing would change: the current metadata is the answer
    /// @param location the table's folder, as the metadata has it
    /// @param folders other folders it names: `write.data.path`, `write.metadata.path`, …
    /// @param columns all levels, parents first, without tags
    /// @param content makes the metadata file's content
    /// @param file name of the metadata file to write, `00003-<uuid>.metadata.json`
    /// @param forgotten metadata files that leave the log, and that the table wants deleted after the commit
    /// @param files other files that it now names, and that may be anywhere until the location validator has seen
    /// them
    /// @param parsed the format's own
    record Prepared(
            boolean unchanged,
            UUID uuid,
            String location,
            Map<String, String> folders,
            List<Column> columns,
            Map<String, String> properties,
            Supplier<byte[]> content,
            String file,
            List<String> forgotten,
            List<String> files,
            Object parsed) {
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
            this(unchanged, uuid, location, folders, columns, properties, () -> json, file, List.of(), List.of(), json);
        }

        public Prepared naming(List<String> others) {
            return new Prepared(
                    unchanged, uuid, location, folders, columns, properties, content, file, forgotten, others, parsed);
        }

        /// The metadata file's content, made at each call.
        public byte[] json() {
            return content.get();
        }
    }
}
