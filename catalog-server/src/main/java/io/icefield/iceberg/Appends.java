package io.icefield.iceberg;

import io.icefield.table.TableFormat;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataOperations;
import org.apache.iceberg.ManifestContent;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.MetadataUpdate;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.SnapshotChanges;
import org.apache.iceberg.SnapshotParser;
import org.apache.iceberg.SnapshotRef;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.UpdateRequirement;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.rest.requests.UpdateTableRequest;
import org.apache.iceberg.util.SnapshotUtil;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Makes an append anew that was made for a state which others have changed since: what its client would do after a
/// `409`, done by Iceberg's own append, under the same snapshot id.
///
/// Not every snapshot that calls itself `append` is one that may be moved. Engines write the same when a `MERGE`
/// matched nothing, and there the conflict is what protects them; others keep offsets in the summary and look for
/// them before they commit. Nothing in a request says so. So an append is only moved when its summary holds
/// nothing but the format's own figures, or a table's owner says that all may be.
final class Appends {
    /// `true`: move all appends; `false`: none; not set: those of writers that cannot have looked at the table first.
    static final String PROPERTY = "icefield.commit.rebase-appends";

    /// What one append may add to be moved.
    private static final int FILES_MAX = 10_000;

    private static final int MANIFESTS_MAX = 100;

    /// What Iceberg computes. The new snapshot gets these anew.
    private static final List<String> FIGURES =
            List.of("added-", "deleted-", "removed-", "total-", "changed-", "manifests-", "partitions.");

    private static final Set<String> OTHER_FIGURES =
            Set.of("operation", "entries-processed", "partition-summaries-included", "iceberg-version");

    /// Flink looks for its own checkpoints when a job starts, never when it commits.
    private static final Set<String> UNCONDITIONAL_ENGINES = Set.of("flink");

    private static final Set<String> ENGINE = Set.of("engine-name", "engine-version");

    private static final Logger LOG = LoggerFactory.getLogger(Appends.class);

    private Appends() {}

    /// An append, read.
    private record Added(
            UpdateTableRequest request,
            MetadataUpdate.AddSnapshot update,
            MetadataUpdate.SetSnapshotRef ref,
            List<DataFile> files) {
        Snapshot snapshot() {
            return update.snapshot();
        }
    }

    static Optional<TableFormat.Append> read(UpdateTableRequest request, TableMetadata table, TableFormat.Files files) {
        List<MetadataUpdate.AddSnapshot> snapshots = updates(request, MetadataUpdate.AddSnapshot.class);
        List<MetadataUpdate.SetSnapshotRef> refs = updates(request, MetadataUpdate.SetSnapshotRef.class);
        int properties = updates(request, MetadataUpdate.SetProperties.class).size()
                + updates(request, MetadataUpdate.RemoveProperties.class).size();
        if (snapshots.size() != 1
                || refs.size() != 1
                || request.updates().size() != 2 + properties
                || !refs.getFirst().type().equals("branch")
                || refs.getFirst().snapshotId()
                        != snapshots.getFirst().snapshot().snapshotId()) {
            return Optional.empty();
        }
        try {
            return files(snapshots.getFirst().snapshot(), table, new FolderIO(files))
                    .map(added ->
                            new TableFormat.Append(new Added(request, snapshots.getFirst(), refs.getFirst(), added)));
        } catch (RuntimeException e) {
            LOG.debug("an append is not moved: its files cannot be read", e);
            return Optional.empty();
        }
    }

    private static <T extends MetadataUpdate> List<T> updates(UpdateTableRequest request, Class<T> kind) {
        return request.updates().stream()
                .filter(kind::isInstance)
                .map(kind::cast)
                .toList();
    }

    private static Optional<List<DataFile>> files(Snapshot sent, TableMetadata table, FileIO io) {
        if (!DataOperations.APPEND.equals(sent.operation())
                || sent.manifestListLocation() == null
                || sent.keyId() != null) {
            return Optional.empty();
        }
        Snapshot snapshot = copy(sent);
        List<ManifestFile> own = snapshot.allManifests(io).stream()
                .filter(manifest -> Objects.equals(manifest.snapshotId(), snapshot.snapshotId()))
                .toList();
        boolean plain = !own.isEmpty()
                && own.size() <= MANIFESTS_MAX
                && own.stream()
                        .allMatch(manifest -> manifest.content() == ManifestContent.DATA
                                && manifest.keyMetadata() == null
                                && !manifest.hasDeletedFiles()
                                && files(manifest) <= FILES_MAX);
        if (!plain) {
            return Optional.empty();
        }
        List<DataFile> added = new ArrayList<>();
        SnapshotChanges.builderFor(new BaseTable(new Scratch(table, io), "table"))
                .snapshot(snapshot)
                .build()
                .addedDataFiles()
                .forEach(added::add);
        return added.isEmpty() || added.size() > FILES_MAX ? Optional.empty() : Optional.of(added);
    }

    private static long files(ManifestFile manifest) {
        Integer added = manifest.addedFilesCount();
        Integer existing = manifest.existingFilesCount();
        return added == null || existing == null ? Long.MAX_VALUE : (long) added + existing;
    }

    /// Snapshots keep the manifests that they have read; metadata keeps its snapshots.
    private static Snapshot copy(Snapshot snapshot) {
        return SnapshotParser.fromJson(SnapshotParser.toJson(snapshot));
    }

    static Optional<UpdateTableRequest> moved(TableFormat.Append append, TableMetadata to, TableFormat.Files files) {
        Added added = (Added) append.parsed();
        if (!wanted(added, to) || !fits(added, to)) {
            return Optional.empty();
        }
        try {
            Snapshot made = make(added, to, new FolderIO(files));
            List<UpdateRequirement> requirements =
                    new ArrayList<>(added.request().requirements());
            requirements.removeIf(each -> isHead(each, added));
            requirements.add(new UpdateRequirement.AssertRefSnapshotID(
                    added.ref().name(), to.ref(added.ref().name()).snapshotId()));
            List<MetadataUpdate> updates = new ArrayList<>(added.request().updates());
            updates.replaceAll(
                    each -> each instanceof MetadataUpdate.AddSnapshot ? new MetadataUpdate.AddSnapshot(made) : each);
            return Optional.of(new UpdateTableRequest(requirements, updates));
        } catch (RuntimeException e) {
            LOG.debug("an append is not moved", e);
            return Optional.empty();
        }
    }

    private static boolean wanted(Added added, TableMetadata to) {
        return switch (to.property(PROPERTY, "")) {
            case "true" -> true;
            case "" -> unconditional(added.snapshot().summary());
            default -> false;
        };
    }

    private static boolean unconditional(Map<String, String> summary) {
        String engine = summary.getOrDefault("engine-name", "");
        boolean known = engine.isEmpty() || UNCONDITIONAL_ENGINES.contains(engine);
        return known
                && summary.keySet().stream()
                        .allMatch(key -> figure(key)
                                || ENGINE.contains(key)
                                || (!engine.isEmpty() && key.startsWith(engine + ".")));
    }

    private static boolean figure(String key) {
        return OTHER_FIGURES.contains(key) || FIGURES.stream().anyMatch(key::startsWith);
    }

    /// Is it the same table, its branch further on from where the append was made, and all else as required?
    private static boolean fits(Added added, TableMetadata to) {
        Snapshot snapshot = added.snapshot();
        String branch = added.ref().name();
        SnapshotRef head = to.ref(branch);
        if (to.formatVersion() < 2
                || to.formatVersion() > 3
                || !to.encryptionKeys().isEmpty()
                || head == null
                || !head.isBranch()
                || to.snapshot(snapshot.snapshotId()) != null
                || !sameRetention(added.ref(), head)) {
            return false;
        }
        for (UpdateRequirement requirement : added.request().requirements()) {
            if (isHead(requirement, added)) {
                Long expected = ((UpdateRequirement.AssertRefSnapshotID) requirement).snapshotId();
                if (!Objects.equals(expected, snapshot.parentId())) {
                    return false;
                }
            } else {
                requirement.validate(to); // does not hold: that is the answer
            }
        }
        Long parent = snapshot.parentId();
        boolean further = parent == null
                ? branch.equals(SnapshotRef.MAIN_BRANCH)
                : SnapshotUtil.isAncestorOf(head.snapshotId(), parent, to::snapshot);
        Integer schema = snapshot.schemaId();
        return further && (schema == null || to.schemasById().containsKey(schema));
    }

    private static boolean isHead(UpdateRequirement requirement, Added added) {
        return requirement instanceof UpdateRequirement.AssertRefSnapshotID on
                && on.refName().equals(added.ref().name());
    }

    private static boolean sameRetention(MetadataUpdate.SetSnapshotRef asked, SnapshotRef head) {
        return Objects.equals(asked.minSnapshotsToKeep(), head.minSnapshotsToKeep())
                && Objects.equals(asked.maxSnapshotAgeMs(), head.maxSnapshotAgeMs())
                && Objects.equals(asked.maxRefAgeMs(), head.maxRefAgeMs());
    }

    private static Snapshot make(Added added, TableMetadata to, FileIO io) {
        String branch = added.ref().name();
        Scratch table = new Scratch(
                headOnly(to, branch), io, OptionalLong.of(added.snapshot().snapshotId()));
        AppendFiles append = new BaseTable(table, "table", _ -> {}).newAppend().toBranch(branch);
        added.files().forEach(append::appendFile);
        said(added.snapshot().summary()).forEach(append::set);
        append.commit();
        return copy(table.current().snapshot(added.snapshot().snapshotId()));
    }

    /// What the writer said beside the figures.
    private static Map<String, String> said(Map<String, String> summary) {
        Map<String, String> said = new HashMap<>(summary);
        said.keySet().removeIf(Appends::figure);
        return said;
    }

    /// All that an append needs of a table, and no snapshot that others keep.
    private static TableMetadata headOnly(TableMetadata table, String branch) {
        long head = table.ref(branch).snapshotId();
        Set<Long> others = table.snapshots().stream()
                .map(Snapshot::snapshotId)
                .filter(id -> id != head)
                .collect(Collectors.toSet());
        TableMetadata small = TableMetadata.buildFrom(table)
                .removeSnapshots(others)
                .discardChanges()
                .build();
        return TableMetadataParser.fromJson(TableMetadataParser.toJson(small));
    }
}
