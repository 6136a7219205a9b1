package io.icefield.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetWriter;
import org.apache.iceberg.exceptions.CommitStateUnknownException;
import org.apache.iceberg.exceptions.ForbiddenException;
import org.apache.iceberg.exceptions.ServiceFailureException;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.FileAppender;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IngestTest {
    private static final TableIdentifier TABLE = TableIdentifier.of("crm", "customers");
    private static final Ingest.Options AS_USUAL = Ingest.Options.DEFAULT;
    private static final Ingest.Options ADDING =
            new Ingest.Options(ColumnNames.SNAKE_CASE, ',', Ingest.NewColumns.ADD, Map.of());

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path folder;

    @SuppressWarnings("NullAway.Init")
    DiskCatalog catalog;

    @BeforeEach
    void open() throws IOException {
        catalog = new DiskCatalog(folder.resolve("warehouse"));
    }

    @Test
    void aFileBecomesATableWithTypesThatLoseNothing() throws Exception {
        Ingest.Result result = ingest("CustomerID,Zip,Balance,Since\r\n1,00123,10.50,2024-02-29\r\n2,98011,,\r\n");

        assertThat(result.created()).isTrue();
        assertThat(result.rows()).isEqualTo(2);
        assertThat(result.files()).isEqualTo(1);
        assertThat(result.columns())
                .containsExactly(
                        new Ingest.ColumnType("customer_id", "long"),
                        new Ingest.ColumnType("zip", "string"),
                        new Ingest.ColumnType("balance", "decimal(18, 2)"),
                        new Ingest.ColumnType("since", "date"));
        Table table = catalog.loadTable(TABLE);
        assertThat(table.currentSnapshot().snapshotId()).isEqualTo(result.snapshotId());
        assertThat(rows())
                .containsExactly(
                        Arrays.asList(1L, "00123", new BigDecimal("10.50"), LocalDate.of(2024, 2, 29)),
                        Arrays.asList(2L, "98011", null, null));
        assertThat(catalog.dataFiles()).hasSize(1);
        assertThat(result.bytes()).isEqualTo(Files.size(catalog.dataFiles().getFirst()));
    }

    @Test
    void quotesLineBreaksAndTheByteOrderMarkAreUnderstood() throws Exception {
        ingest("\uFEFFa,b\n\"x \"\"y\"\"\n z\",\"\"\n\n,é😀\n");
        assertThat(rows()).containsExactly(Arrays.asList("x \"y\"\n z", ""), Arrays.asList(null, "é😀"));
    }

    @Test
    void inATableOfOneColumnAnEmptyLineIsARow() throws Exception {
        ingest("a\n1\n\n3\n");
        assertThat(rows()).containsExactly(List.of(1L), Arrays.asList((Object) null), List.of(3L));
    }

    @Test
    void rowsAreAppendedByName() throws Exception {
        ingest("id,name\n1,Ann\n");
        Ingest.Result second = ingest("Name,ID\nBob,2\n");
        assertThat(second.created()).isFalse();
        ingest("id\n3\n");
        assertThat(rows()).containsExactly(List.of(1L, "Ann"), List.of(2L, "Bob"), Arrays.asList(3L, null));
    }

    @Test
    void aColumnThatTheTableLacksIsNamed() throws Exception {
        ingest("id\n1\n");
        assertThatThrownBy(() -> ingest("id,Shoe Size\n2,43\n"))
                .isInstanceOf(IngestFailure.Misfit.class)
                .hasMessageContaining("`shoe_size`")
                .hasMessageContaining("`id`");
        assertThat(rows()).containsExactly(List.of(1L));

        ingest(ADDING, "id,Shoe Size\n2,43\n");
        assertThat(rows()).containsExactly(Arrays.asList(1L, null), List.of(2L, 43L));
    }

    @Test
    void aValueThatTheColumnCannotHoldNamesItsLineButNotItself() throws Exception {
        ingest("id,zip\n1,12345\n");
        assertThatThrownBy(() -> ingest("id,zip\n2,54321\n3,00777\n"))
                .isInstanceOf(IngestFailure.Misfit.class)
                .hasMessageContaining("line 3")
                .hasMessageContaining("`zip`")
                .hasMessageContaining("`long`")
                .hasMessageNotContaining("00777");
        assertThat(rows()).hasSize(1);
        assertThat(catalog.dataFiles()).hasSize(1);
    }

    @Test
    void aRequiredColumnMustBeThereAndFull() throws Exception {
        catalog.createNamespace(Namespace.of("crm"));
        catalog.createTable(
                TABLE,
                new Schema(
                        Types.NestedField.required(1, "id", Types.IntegerType.get()),
                        Types.NestedField.optional(2, "name", Types.StringType.get())));
        assertThatThrownBy(() -> ingest("name\nAnn\n"))
                .isInstanceOf(IngestFailure.Misfit.class)
                .hasMessageContaining("`id`");
        assertThatThrownBy(() -> ingest("id,name\n1,Ann\n,Bob\n"))
                .isInstanceOf(IngestFailure.Misfit.class)
                .hasMessageContaining("line 3");
        assertThat(catalog.dataFiles()).isEmpty();
        ingest("id,name\n1,Ann\n");
        assertThat(rows()).containsExactly(List.of(1, "Ann"));
    }

    @Test
    void headerAloneMakesAnEmptyTable() throws Exception {
        Ingest.Result result = ingest("a,b\n");
        assertThat(result.created()).isTrue();
        assertThat(result.rows()).isZero();
        assertThat(result.snapshotId()).isEqualTo(TableWriter.Written.NO_SNAPSHOT);
        assertThat(catalog.loadTable(TABLE).schema().columns()).hasSize(2);
        assertThat(catalog.loadTable(TABLE).currentSnapshot()).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {",", ";", "\t", "|"})
    void theHeaderTellsWhatSeparatesFields(String delimiter) throws Exception {
        Ingest.Result result = ingest("id,name\n1,Ann\n2,Ben\n".replace(",", delimiter));
        assertThat(result.rows()).isEqualTo(2);
        assertThat(catalog.loadTable(TABLE).schema().columns())
                .extracting(Types.NestedField::name)
                .containsExactly("id", "name");
    }

    @Test
    void badFilesSayWhereTheyAreBadAndLeaveNothing() throws Exception {
        byte[] bad = "a,b\n1,x\n2,\u00e9\n".getBytes(StandardCharsets.ISO_8859_1);
        assertThatThrownBy(() -> ingest(AS_USUAL, file("bad.csv", bad)))
                .isInstanceOf(IngestFailure.BadFile.class)
                .hasMessageContaining("bad.csv")
                .hasMessageContaining("line 3")
                .hasMessageContaining("offset 10")
                .hasMessageContaining("0xE9");
        assertBad("a,b\n1,2\n3\n", "line 3 has 1 fields, the header has 2");
        assertBad("a,b\n1,\"2\n2\"\n3,4,5\n", "line 4 has 3 fields, the header has 2");
        assertBad("a,b\n1,\"2\n", "not well-formed");
        assertBad("a,b\n1,\"2\"x\n", "not well-formed");
        assertBad("", "empty");
        assertBad("\n\n", "empty");
        assertThatThrownBy(() -> ingest(AS_USUAL, file("x.txt", new byte[1]))).hasMessageContaining("`.csv`");
        assertThatThrownBy(() -> ingest(AS_USUAL, folder.resolve("none.csv"))).hasMessageContaining("no such file");
        assertThatThrownBy(() -> ingest(AS_USUAL, file("x.parquet", bad)))
                .isInstanceOf(IngestFailure.BadFile.class)
                .hasMessageContaining("Parquet");
        assertThat(catalog.namespaceExists(Namespace.of("crm"))).isFalse();
        assertThat(catalog.dataFiles()).isEmpty();
    }

    @Test
    void gzipIsReadAndATruncatedOneIsRefused() throws Exception {
        StringBuilder text = new StringBuilder("id\n");
        IntStream.range(0, 100_000).forEach(i -> text.append(i).append('\n'));
        Path whole = folder.resolve("ids.csv.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(whole))) {
            out.write(text.toString().getBytes(StandardCharsets.UTF_8));
        }
        byte[] bytes = Files.readAllBytes(whole);
        for (int length : List.of(5, bytes.length / 2, bytes.length - 4)) {
            Path part = file("part.csv.gz", Arrays.copyOf(bytes, length));
            assertThatThrownBy(() -> ingest(AS_USUAL, part))
                    .isInstanceOf(IngestFailure.BadFile.class)
                    .hasMessageContaining("gzip");
        }
        assertThat(catalog.tableExists(TABLE)).isFalse();
        assertThat(ingest(AS_USUAL, whole).rows()).isEqualTo(100_000);
    }

    @Test
    void aThousandColumnsWithLongNames() throws Exception {
        List<String> names =
                IntStream.range(0, 1000).mapToObj(i -> "n".repeat(1995) + i).toList();
        String ones = IntStream.range(0, 1000).mapToObj(Integer::toString).collect(Collectors.joining(","));
        Ingest.Result result = ingest(String.join(",", names) + "\n" + ones + "\n" + ones + "\n");
        assertThat(result.columns()).extracting(Ingest.ColumnType::name).containsExactlyElementsOf(names);
        assertThat(rows()).hasSize(2).allSatisfy(row -> assertThat(row.get(999)).isEqualTo(999L));
    }

    @Test
    void tagsClassifyColumnsAtCreateAndLater() throws Exception {
        ingest(AS_USUAL.withTags(Map.of("E-Mail", "pii.email")), "id,E-Mail,phone\n1,a@b.c,12\n");
        assertThat(catalog.loadTable(TABLE).properties()).containsEntry("icefield.tags.e_mail", "pii.email");

        ingest(AS_USUAL.withTags(Map.of("phone", "pii.phone")), "id,E-Mail,phone\n2,d@e.f,34\n");
        assertThat(catalog.loadTable(TABLE).properties())
                .containsEntry("icefield.tags.e_mail", "pii.email")
                .containsEntry("icefield.tags.phone", "pii.phone");

        assertThatThrownBy(() -> ingest(AS_USUAL.withTags(Map.of("fax", "pii.phone")), "id\n3\n"))
                .isInstanceOf(IngestFailure.Misfit.class)
                .hasMessageContaining("`fax`");
    }

    @Test
    void aNewColumnArrivesTogetherWithItsTag() throws Exception {
        ingest("id\n1\n");
        List<Boolean> tagged = new ArrayList<>();
        catalog.answer = metadata -> {
            if (metadata.schema().findField("email") != null) {
                tagged.add(metadata.properties().containsKey("icefield.tags.email"));
            }
            return null;
        };
        ingest(ADDING.withTags(Map.of("email", "pii.email")), "id,email\n2,a@b.c\n");
        assertThat(tagged).isNotEmpty().doesNotContain(false);
    }

    @Test
    void aRefusedCommitLeavesNoFilesAndSaysWhy() throws Exception {
        ingest("id\n1\n");
        catalog.answer = _ -> new ForbiddenException("Forbidden: naming/column: `id` is bad; rename it to `order_id`");
        assertThatThrownBy(() -> ingest("id\n2\n"))
                .isInstanceOf(IngestFailure.Refused.class)
                .hasMessageContaining("naming/column: `id` is bad; rename it to `order_id`");
        catalog.answer = _ -> null;
        assertThat(catalog.dataFiles()).hasSize(1);
        assertThat(rows()).containsExactly(List.of(1L));
    }

    @Test
    void whenTheAnswerIsLostNoFileIsDeleted() throws Exception {
        ingest("id\n1\n");
        catalog.answer = _ -> new CommitStateUnknownException(new IOException("connection reset"));
        assertThatThrownBy(() -> ingest("id\n2\n"))
                .isInstanceOf(IngestFailure.OutcomeUnknown.class)
                .hasMessageContaining("icefield.append-id");
        assertThat(catalog.dataFiles()).hasSize(2);
    }

    @Test
    void progressEndsAtTheTotal() throws Exception {
        List<long[]> heard = new ArrayList<>();
        Path file = file("p.csv", ("id\n" + "1\n".repeat(50_000)).getBytes(StandardCharsets.UTF_8));
        new Ingest(catalog)
                .run(
                        new Ingest.Request(TABLE, file, AS_USUAL),
                        (read, total, rows) -> heard.add(new long[] {read, total, rows}));
        assertThat(heard).isSortedAccordingTo(Comparator.comparingLong(step -> step[0]));
        assertThat(heard.getLast()).containsExactly(2 * Files.size(file), 2 * Files.size(file), 50_000);
    }

    @ParameterizedTest
    @ValueSource(chars = {';', '\t', '|'})
    void otherDelimiters(char delimiter) throws Exception {
        Ingest.Options options = new Ingest.Options(ColumnNames.AS_IS, delimiter, Ingest.NewColumns.REFUSE, Map.of());
        Ingest.Result result = ingest(options, "Id,x" + delimiter + "B\n1" + delimiter + "2\n");
        assertThat(result.columns()).extracting(Ingest.ColumnType::name).containsExactly("Id,x", "B");
    }

    /// A table of random texts goes through a CSV file, the guessing and Parquet, and comes back.
    @Test
    void randomTablesComeBack() throws Exception {
        long seed = System.nanoTime();
        System.out.println("IngestTest seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 40; round++) {
            int width = 1 + random.nextInt(8);
            List<List<@Nullable String>> rows = new ArrayList<>();
            for (int row = random.nextInt(40); row > 0; row--) {
                List<@Nullable String> texts = new ArrayList<>();
                for (int column = 0; column < width; column++) {
                    texts.add(text(random, column));
                }
                rows.add(texts);
            }
            StringBuilder csv = new StringBuilder(
                    IntStream.range(0, width).mapToObj(i -> "c" + i).collect(Collectors.joining(",", "", "\r\n")));
            for (List<@Nullable String> row : rows) {
                csv.append(row.stream()
                                .map(text -> text == null ? "" : "\"" + text.replace("\"", "\"\"") + "\"")
                                .collect(Collectors.joining(",")))
                        .append("\r\n");
            }
            ingest(csv.toString());
            List<List<@Nullable String>> back = new ArrayList<>();
            for (List<@Nullable Object> values : rows()) {
                List<@Nullable String> texts = new ArrayList<>();
                for (Object value : values) {
                    texts.add(value == null ? null : value.toString());
                }
                back.add(texts);
            }
            assertThat(back).as("seed %d, round %d", seed, round).isEqualTo(rows);
            catalog.dropTable(TABLE, true);
        }
    }

    /// Columns of one kind each, in the form that `toString` of the value has.
    private static @Nullable String text(Random random, int column) {
        if (random.nextInt(6) == 0) {
            return random.nextBoolean() || column < 5 ? null : "";
        }
        return switch (column) {
            case 0 -> Integer.toString(random.nextInt());
            case 1 -> LocalDate.ofEpochDay(random.nextInt(-100_000, 100_000)).toString();
            case 2 -> Boolean.toString(random.nextBoolean());
            case 3 -> new BigDecimal(random.nextInt()).movePointLeft(3).toPlainString();
            case 4 -> Double.toString(random.nextGaussian() * 1e-9);
            case 5 -> "%05d".formatted(random.nextInt(100_000));
            default ->
                random.ints(random.nextInt(6), 32, 0x2000)
                        .mapToObj(Character::toString)
                        .collect(Collectors.joining("\n"));
        };
    }

    @Test
    void parquetKeepsItsTypes() throws Exception {
        Schema schema = new Schema(
                Types.NestedField.required(7, "OrderID", Types.IntegerType.get()),
                Types.NestedField.optional(8, "Total", Types.DecimalType.of(9, 2)),
                Types.NestedField.optional(
                        9,
                        "ShipTo",
                        Types.StructType.of(
                                Types.NestedField.optional(10, "ZipCode", Types.StringType.get()),
                                Types.NestedField.optional(
                                        11, "Lines", Types.ListType.ofOptional(12, Types.StringType.get())))));
        GenericRecord record = GenericRecord.create(schema);
        GenericRecord shipTo =
                GenericRecord.create(schema.findField("ShipTo").type().asStructType());
        shipTo.setField("ZipCode", "00123");
        shipTo.setField("Lines", List.of("a", "b"));
        record.setField("OrderID", 1);
        record.setField("Total", new BigDecimal("12.50"));
        record.setField("ShipTo", shipTo);
        Path file = parquet(schema, List.of(record));

        Ingest.Result result = ingest(AS_USUAL, file);
        assertThat(result.columns())
                .extracting(Ingest.ColumnType::name)
                .containsExactly("order_id", "total", "ship_to");
        Table table = catalog.loadTable(TABLE);
        assertThat(table.schema().findField("order_id").isRequired()).isTrue();
        assertThat(table.schema().findType("total")).isEqualTo(Types.DecimalType.of(9, 2));
        assertThat(table.schema().findType("ship_to.zip_code")).isEqualTo(Types.StringType.get());

        assertThat(ingest(AS_USUAL, file).created()).isFalse();
        assertThat(rows()).hasSize(2).allSatisfy(row -> {
            assertThat(row.subList(0, 2)).containsExactly(1, new BigDecimal("12.50"));
            Record inner = (Record) row.get(2);
            assertThat(inner.get(0)).isEqualTo("00123");
            assertThat(inner.get(1)).isEqualTo(List.of("a", "b"));
        });
    }

    @Test
    void parquetIsWidenedToTheTableOrRefused() throws Exception {
        ingest("id,total\n1,1.505\n");
        Schema fits = new Schema(
                Types.NestedField.optional(1, "total", Types.DecimalType.of(9, 2)),
                Types.NestedField.optional(2, "id", Types.IntegerType.get()));
        GenericRecord record = GenericRecord.create(fits);
        record.setField("id", 2);
        record.setField("total", new BigDecimal("2.50"));
        ingest(AS_USUAL, parquet(fits, List.of(record)));
        assertThat(rows()).containsExactly(List.of(1L, new BigDecimal("1.505")), List.of(2L, new BigDecimal("2.500")));

        Schema misfit = new Schema(Types.NestedField.optional(1, "id", Types.StringType.get()));
        GenericRecord text = GenericRecord.create(misfit);
        text.setField("id", "3");
        assertThatThrownBy(() -> ingest(AS_USUAL, parquet(misfit, List.of(text))))
                .isInstanceOf(IngestFailure.Misfit.class)
                .hasMessageContaining("`id`")
                .hasMessageContaining("`string`")
                .hasMessageContaining("`long`");
    }

    @Test
    void nanosecondsAreRefusedByName() throws Exception {
        Schema schema = new Schema(Types.NestedField.optional(1, "At", Types.TimestampNanoType.withoutZone()));
        assertThatThrownBy(() -> ingest(AS_USUAL, parquet(schema, List.of(GenericRecord.create(schema)))))
                .isInstanceOf(IngestFailure.BadFile.class)
                .hasMessageContaining("`At`")
                .hasMessageContaining("microseconds");
    }

    @Test
    void filesRollAtTheTargetSizeAndPartitionsAreKept() throws Exception {
        Schema schema = new Schema(
                Types.NestedField.required(1, "id", Types.LongType.get()),
                Types.NestedField.required(2, "country", Types.StringType.get()));
        catalog.createNamespace(Namespace.of("crm"));
        Table rolling = catalog.createTable(
                TABLE, schema, PartitionSpec.unpartitioned(), Map.of("write.target-file-size-bytes", "1000"));
        TableWriter.Written written = TableWriter.append(rolling, records(schema, 5000), _ -> {});
        assertThat(written.rows()).isEqualTo(5000);
        assertThat(written.files()).isGreaterThan(2);
        assertThat(rolling.snapshots()).hasSize(1);

        TableIdentifier other = TableIdentifier.of("crm", "partitioned");
        Table partitioned = catalog.createTable(
                other,
                schema,
                PartitionSpec.builderFor(schema).identity("country").build());
        assertThat(TableWriter.append(partitioned, records(schema, 300), _ -> {})
                        .files())
                .isEqualTo(3);
        assertThat(catalog.loadTable(other).newScan().planFiles())
                .allSatisfy(file -> assertThat(file.file().recordCount()).isEqualTo(100));
    }

    @Test
    void anIteratorThatFailsLeavesNothing() {
        Schema schema = new Schema(
                Types.NestedField.required(1, "id", Types.LongType.get()),
                Types.NestedField.required(2, "country", Types.StringType.get()));
        catalog.createNamespace(Namespace.of("crm"));
        Table table = catalog.createTable(
                TABLE, schema, PartitionSpec.unpartitioned(), Map.of("write.target-file-size-bytes", "1000"));
        Iterable<Record> failing =
                () -> Stream.concat(IntStream.range(0, 5000).mapToObj(i -> record(schema, i)), Stream.generate(() -> {
                            throw new IllegalStateException("no more");
                        }))
                        .iterator();
        assertThatThrownBy(() -> TableWriter.append(table, failing.iterator(), _ -> {}))
                .hasMessage("no more");
        assertThat(catalog.dataFiles()).isEmpty();
        assertThat(table.currentSnapshot()).isNull();
    }

    @Test
    void whatFailsOnTheWayIsSaidInOneLine() throws Exception {
        ingest("id\n1\n");
        catalog.answer = _ -> new ServiceFailureException("the catalog is overloaded");
        assertThatThrownBy(() -> ingest("id\n2\n"))
                .as("an unknown outcome stays one")
                .isInstanceOf(IngestFailure.OutcomeUnknown.class);
        catalog.answer = _ -> null;
        catalog.unreachable = Optional.of(new UncheckedIOException(
                "Failed to close current writer",
                new IOException(new IOException("the key does not allow that here"))));
        assertThatThrownBy(() -> ingest("id\n3\n"))
                .isInstanceOf(IngestFailure.Broken.class)
                .hasMessage("nothing of `rows.csv` arrived in `crm.customers`: the key does not allow that here");
    }

    @Test
    void aCatalogThatDoesNotAnswerIsNamed() throws Exception {
        int nobody;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            nobody = socket.getLocalPort();
        }
        URI uri = URI.create("http://127.0.0.1:" + nobody);
        assertThatThrownBy(() -> Ingest.connect(new CatalogAddress(uri, uri.resolve("/t"), "crm", "crm-job", "x")))
                .isInstanceOf(IngestFailure.Broken.class)
                .hasMessageContaining("`crm-job` does not get into `crm` at `%s`", uri);
    }

    @Test
    void aFileThatIsNoParquetIsSaidToBeNone() throws Exception {
        assertThatThrownBy(() -> ingest(AS_USUAL, file("short.parquet", new byte[] {1})))
                .isInstanceOf(IngestFailure.BadFile.class)
                .hasMessageContaining("`short.parquet`: it is not a sound Parquet file")
                .hasMessageNotContaining("@");
    }

    @Test
    void anAddressDoesNotTellItsSecret() {
        CatalogAddress address = new CatalogAddress(
                URI.create("http://localhost:1/iceberg"),
                URI.create("http://localhost:1/token"),
                "crm",
                "crm-job",
                "hunter2");
        assertThat(address.toString()).contains("crm-job").doesNotContain("hunter2");
    }

    private static Iterator<Record> records(Schema schema, int count) {
        return IntStream.range(0, count).mapToObj(i -> record(schema, i)).iterator();
    }

    private static Record record(Schema schema, long id) {
        Record record = GenericRecord.create(schema);
        record.setField("id", id);
        record.setField("country", List.of("de", "fr", "nz").get((int) (id % 3)));
        return record;
    }

    private void assertBad(String csv, String message) {
        assertThatThrownBy(() -> ingest(csv))
                .isInstanceOf(IngestFailure.BadFile.class)
                .hasMessageContaining(message);
    }

    private Ingest.Result ingest(String csv) throws IOException {
        return ingest(AS_USUAL, csv);
    }

    private Ingest.Result ingest(Ingest.Options options, String csv) throws IOException {
        return ingest(options, file("rows.csv", csv.getBytes(StandardCharsets.UTF_8)));
    }

    private Ingest.Result ingest(Ingest.Options options, Path file) {
        return new Ingest(catalog).run(new Ingest.Request(TABLE, file, options), ProgressListener.SILENT);
    }

    private Path file(String name, byte[] content) throws IOException {
        return Files.write(folder.resolve(name), content);
    }

    private Path parquet(Schema schema, List<Record> records) throws IOException {
        Path file = folder.resolve("rows.parquet");
        try (FileAppender<Record> appender = Parquet.write(org.apache.iceberg.Files.localOutput(file.toFile()))
                .schema(schema)
                .createWriterFunc(GenericParquetWriter::create)
                .overwrite()
                .build()) {
            appender.addAll(records);
        }
        return file;
    }

    /// In the order of their appending.
    private List<List<@Nullable Object>> rows() throws IOException {
        Table table = catalog.loadTable(TABLE);
        List<@Nullable Object> firsts = new ArrayList<>();
        List<List<@Nullable Object>> rows = new ArrayList<>();
        try (CloseableIterable<Record> records = IcebergGenerics.read(table).build()) {
            for (Record record : records) {
                List<@Nullable Object> row = new ArrayList<>();
                for (int i = 0; i < record.size(); i++) {
                    row.add(record.get(i));
                }
                rows.add(row);
                firsts.add(row.getFirst());
            }
        }
        // Files of several appends come newest first; the tests number their rows.
        if (firsts.stream().allMatch(first -> first instanceof Comparable<?>)
                && table.history().size() > 1) {
            rows.sort(Comparator.comparing(row -> Long.valueOf(String.valueOf(row.getFirst()))));
        }
        return rows;
    }
}
