package io.icefield.compat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.apache.iceberg.BaseTransaction;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.Transaction;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableCommit;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.exceptions.ForbiddenException;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// One catalog for the whole mesh, as Java's client and Spark open it: two domains with two buckets, in one
/// transaction.
class MeshCatalogIT {
    private static final Schema SCHEMA = new Schema(Types.NestedField.optional(1, "id", Types.LongType.get()));
    private static final Namespace SALES = Namespace.of("mesh_sales", "core");
    private static final Namespace HR = Namespace.of("mesh_hr", "core");

    private static RESTCatalog mesh;
    private static RESTCatalog sales;

    @BeforeAll
    static void start() throws Exception {
        ServedCatalog served = ServedCatalog.shared();
        served.domain("mesh_sales");
        served.domain("mesh_hr");
        mesh = served.client("mesh", "mesh", Map.of());
        sales = served.client("sales", "mesh_sales", Map.of());
        mesh.createNamespace(SALES);
        mesh.createNamespace(HR);
    }

    @AfterAll
    static void close() throws Exception {
        mesh.close();
        sales.close();
    }

    private static DataFile file(Table table, String name) {
        return DataFiles.builder(PartitionSpec.unpartitioned())
                .withPath(table.location() + "/data/" + name + ".parquet")
                .withFormat(FileFormat.PARQUET)
                .withFileSizeInBytes(10)
                .withRecordCount(1)
                .build();
    }

    /// Appends to a table in a transaction that is not committed; the manifests are in the table's bucket
    /// already.
    private static TableCommit append(TableIdentifier name, String file) {
        Table table = mesh.loadTable(name);
        Transaction transaction = table.newTransaction();
        transaction.newAppend().appendFile(file(table, file)).commit();
        BaseTransaction open = (BaseTransaction) transaction;
        return TableCommit.create(name, open.startMetadata(), open.currentMetadata());
    }

    private static long snapshots(TableIdentifier name) {
        return java.util.stream.StreamSupport.stream(
                        mesh.loadTable(name).snapshots().spliterator(), false)
                .count();
    }

    @Test
    void oneTransactionChangesTablesOfTwoDomainsOrNone() {
        TableIdentifier orders = TableIdentifier.of(SALES, "orders");
        TableIdentifier people = TableIdentifier.of(HR, "people");
        assertThat(mesh.createTable(orders, SCHEMA).location()).startsWith("s3://mesh-sales/");
        assertThat(mesh.createTable(people, SCHEMA).location()).startsWith("s3://mesh-hr/");
        mesh.commitTransaction(List.of(append(orders, "a"), append(people, "a")));
        assertThat(snapshots(orders)).isEqualTo(1);
        assertThat(snapshots(people)).isEqualTo(1);

        List<TableCommit> late = List.of(append(orders, "b"), append(people, "b"));
        mesh.loadTable(people)
                .updateSchema()
                .addColumn("more", Types.StringType.get())
                .commit();
        mesh.loadTable(people)
                .newDelete()
                .deleteFile(file(mesh.loadTable(people), "a"))
                .commit();
        assertThatThrownBy(() -> mesh.commitTransaction(late)).isInstanceOf(CommitFailedException.class);
        assertThat(snapshots(orders)).isEqualTo(1);
        assertThat(snapshots(people)).isEqualTo(2);
    }

    @Test
    void theNamesOfBothCatalogsLeadToTheSameTables() {
        TableIdentifier inMesh = TableIdentifier.of(SALES, "both");
        TableIdentifier inDomain = TableIdentifier.of("core", "both");
        Table made = mesh.createTable(inMesh, SCHEMA);
        made.newAppend().appendFile(file(made, "a")).commit();
        assertThat(sales.loadTable(inDomain).currentSnapshot().snapshotId())
                .isEqualTo(mesh.loadTable(inMesh).currentSnapshot().snapshotId());
        assertThat(mesh.listNamespaces()).contains(Namespace.of("mesh_sales"), Namespace.of("mesh_hr"));
        assertThat(mesh.listNamespaces(Namespace.of("mesh_sales"))).containsExactly(SALES);
        assertThat(mesh.listTables(SALES)).contains(inMesh);
        mesh.renameTable(inMesh, TableIdentifier.of(SALES, "renamed"));
        assertThat(sales.tableExists(TableIdentifier.of("core", "renamed"))).isTrue();
        assertThatThrownBy(() -> mesh.dropNamespace(Namespace.of("mesh_sales"))).isInstanceOf(ForbiddenException.class);
        assertThat(mesh.dropTable(TableIdentifier.of(SALES, "renamed"), false)).isTrue();
        assertThat(sales.tableExists(TableIdentifier.of("core", "renamed"))).isFalse();
    }
}
