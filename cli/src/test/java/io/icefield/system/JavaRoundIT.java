package io.icefield.system;

import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.iceberg.IcebergBuild;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.types.Types;
import org.apache.iceberg.view.SQLViewRepresentation;
import org.junit.jupiter.api.Test;

/// Iceberg's Java library, of the version that the platform itself uses.
class JavaRoundIT {
    private static final Namespace CORE = Namespace.of("core");
    private static final Schema ITEMS = new Schema(
            Types.NestedField.optional(1, "id", Types.LongType.get()),
            Types.NestedField.optional(2, "label", Types.StringType.get()));

    private final List<Outcome> outcomes = new ArrayList<>();

    @Test
    void round() throws Exception {
        ClientRound round = new ClientRound("Iceberg Java " + IcebergBuild.version());
        try (RESTCatalog catalog = round.mesh().iceberg(round.domain(), round.job())) {
            TableIdentifier items = TableIdentifier.of(CORE, "items");
            catalog.createNamespace(CORE);
            Table table = catalog.createTable(items, ITEMS);
            done(Job.CREATE);

            Rows.append(
                    table,
                    List.of(Rows.row(table, 1L, "one"), Rows.row(table, 2L, "two"), Rows.row(table, 3L, "three")));
            done(Job.WRITE, rows(table, "main"));

            table.manageSnapshots()
                    .createTag("first", table.currentSnapshot().snapshotId())
                    .commit();
            done(Job.TAG);

            table.updateSchema()
                    .addColumn("weight", Types.DoubleType.get())
                    .renameColumn("label", "title")
                    .commit();
            Rows.append(table, List.of(Rows.row(table, 4L, "four", 0.25)));
            done(Job.EVOLVE, rows(table, "main"));

            table.manageSnapshots()
                    .createBranch("audit", table.currentSnapshot().snapshotId())
                    .commit();
            done(Job.BRANCH);

            table.newAppend()
                    .appendFile(Rows.write(table, List.of(Rows.row(table, 5L, "five", 0.5))))
                    .toBranch("audit")
                    .commit();
            done(Job.WRITE_TO_BRANCH, rows(table, "audit"));
            done(Job.TIME_TRAVEL, rows(table, "first"));

            TableIdentifier things = TableIdentifier.of(CORE, "things");
            catalog.renameTable(items, things);
            table = catalog.loadTable(things);
            done(Job.RENAME, rows(table, "main"));

            TableIdentifier ids = TableIdentifier.of(CORE, "ids");
            catalog.buildView(ids)
                    .withSchema(new Schema(Types.NestedField.optional(1, "id", Types.LongType.get())))
                    .withDefaultNamespace(CORE)
                    .withQuery("spark", ClientRound.VIEW_SQL)
                    .create();
            SQLViewRepresentation view = catalog.loadView(ids).sqlFor("spark");
            done(Job.VIEW, List.of(List.of(view.sql())));

            Rows.delete(table, "id", 2L);
            done(Job.DELETE_ROWS, rows(catalog.loadTable(things), "main"));

            Throwable refusal = catchThrowable(() -> catalog.createTable(
                    TableIdentifier.of(CORE, "people"),
                    new Schema(Types.NestedField.optional(1, "email", Types.StringType.get()))));
            done(Job.READ_A_REFUSAL, List.of(List.of(String.valueOf(refusal))));

            TableIdentifier gone = TableIdentifier.of(CORE, "gone");
            Table unwanted = catalog.createTable(gone, ITEMS);
            Rows.append(unwanted, List.of(Rows.row(unwanted, 1L, "one")));
            catalog.dropTable(gone, true);
            done(Job.DROP_WITH_PURGE);
        }
        round.check(outcomes);
    }

    private static List<List<String>> rows(Table table, String ref) throws Exception {
        return ClientRound.rows(table, ref).stream()
                .sorted(Comparator.comparing(List::getFirst))
                .toList();
    }

    private void done(Job job) {
        done(job, List.of());
    }

    private void done(Job job, List<List<String>> rows) {
        outcomes.add(new Outcome.Done(job, rows));
    }
}
