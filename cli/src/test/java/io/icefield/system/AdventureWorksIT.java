package io.icefield.system;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Real data through the whole mesh: the CSV files of AdventureWorks become five domains, and cross-domain queries in
/// Trino give the rows that DuckDB gives over the files. `ICEFIELD_OPEN_DATA` names the folder that holds
/// `adventureworks/*.csv.gz`.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AdventureWorksIT {
    private static final Map<String, String> DOMAINS = Map.of(
            "HumanResources", "hr",
            "Person", "person",
            "Production", "production",
            "Purchasing", "purchasing",
            "Sales", "sales");
    private static final String FILE_ENDING = ".csv.gz";
    private static final int INGESTS_AT_ONCE = 3;
    private static final int TABLES_EXPECTED_MIN = 40;

    private Mesh mesh;
    private Connection duck;

    private record Source(Path file, String domain, String table) {
        String address() {
            return domain + ".core." + table;
        }
    }

    @BeforeAll
    void ingest() throws Exception {
        String folder = System.getenv().getOrDefault("ICEFIELD_OPEN_DATA", "");
        Path files = Path.of(folder, "adventureworks");
        Assumptions.assumeTrue(
                !folder.isBlank() && Files.isDirectory(files),
                "no real data: ICEFIELD_OPEN_DATA names no folder with adventureworks/*.csv.gz in it");
        mesh = Mesh.shared();
        for (String domain : DOMAINS.values()) {
            mesh.domain(domain);
        }
        List<Source> sources = sources(files);
        assertThat(sources).hasSizeGreaterThanOrEqualTo(TABLES_EXPECTED_MIN);

        Instant begin = Instant.now();
        try (ExecutorService threads = Executors.newFixedThreadPool(INGESTS_AT_ONCE)) {
            List<Callable<Ran>> jobs = sources.stream()
                    .<Callable<Ran>>map(source -> () -> mesh.icefield(
                            "ingest", source.address(), source.file().toString(), "--classify", "auto"))
                    .toList();
            List<Future<Ran>> done = threads.invokeAll(jobs);
            for (int job = 0; job < jobs.size(); job++) {
                Ran ran = done.get(job).get();
                assertThat(ran.code())
                        .as("ingest of %s: %s", sources.get(job).address(), ran.err())
                        .isZero();
            }
        }
        System.out.printf(
                "AdventureWorks: %d tables ingested in %d s%n",
                sources.size(), Duration.between(begin, Instant.now()).toSeconds());

        duck = DriverManager.getConnection("jdbc:duckdb:");
        for (String domain : DOMAINS.values()) {
            run("ATTACH ':memory:' AS " + domain);
            run("CREATE SCHEMA " + domain + ".core");
        }
        for (Source source : sources) {
            load(source);
        }
    }

    private static List<Source> sources(Path files) throws IOException {
        List<Source> sources = new ArrayList<>();
        try (Stream<Path> found = Files.list(files)) {
            for (Path file : found.sorted().toList()) {
                String[] name =
                        file.getFileName().toString().replace(FILE_ENDING, "").split("\\.", -1);
                if (name.length == 2 && DOMAINS.containsKey(name[0])) {
                    String table = name[1].replaceAll("([a-z])([A-Z])", "$1_$2").toLowerCase(Locale.ROOT);
                    sources.add(new Source(withoutReservedNames(file), DOMAINS.getOrDefault(name[0], ""), table));
                }
            }
        }
        return sources;
    }

    /// `Group` is a reserved word of SQL, and the starter pack refuses it as a column's name: what the domain's
    /// engineer would do about it is done here.
    private static Path withoutReservedNames(Path file) throws IOException {
        String text;
        try (InputStream in = new GZIPInputStream(Files.newInputStream(file))) {
            text = new String(in.readAllBytes(), UTF_8);
        }
        String header = text.substring(0, text.indexOf('\n'));
        String renamed = header.replaceAll("\\bGroup\\b", "RegionGroup");
        if (renamed.equals(header)) {
            return file;
        }
        Path folder = Files.createDirectories(Mesh.CHECKOUT.resolve("cli/target/system/adventureworks"));
        return Files.writeString(
                folder.resolve(file.getFileName().toString().replace(".gz", "")),
                renamed + text.substring(header.length()));
    }

    /// The file as a table of DuckDB, with the names that the ingested table has, in its order, and with its types.
    private void load(Source source) throws Exception {
        List<List<String>> columns = mesh.rows(
                "steward",
                "SELECT column_name, data_type FROM %s.information_schema.columns".formatted(source.domain())
                        + " WHERE table_schema = 'core' AND table_name = '%s' ORDER BY ordinal_position"
                                .formatted(source.table()));
        assertThat(columns).as(source.address()).isNotEmpty();
        StringBuilder casts = new StringBuilder();
        StringBuilder names = new StringBuilder();
        for (List<String> column : columns) {
            String type = column.get(1).startsWith("timestamp") && column.get(1).endsWith("zone")
                    ? "TIMESTAMPTZ"
                    : column.get(1).replaceAll("^(timestamp|time)\\(.*", "$1");
            casts.append(casts.isEmpty() ? "" : ", ")
                    .append("CAST(\"%1$s\" AS %2$s) AS \"%1$s\"".formatted(column.get(0), type));
            names.append(names.isEmpty() ? "" : ", ").append("\"%s\"".formatted(column.get(0)));
        }
        run("""
                CREATE TABLE %s AS SELECT %s FROM (
                    SELECT * FROM read_csv('%s', header = true, all_varchar = true, delim = ',', quote = '"',
                        escape = '"', nullstr = '', allow_quoted_nulls = false, auto_detect = false, columns = %s,
                        max_line_size = 10000000, strict_mode = true)) AS file (%s)""".formatted(source.address(), casts, source.file(), varchars(columns), names));
    }

    private static String varchars(List<List<String>> columns) {
        StringBuilder struct = new StringBuilder("{");
        for (List<String> column : columns) {
            struct.append(struct.length() == 1 ? "" : ", ").append("'%s': 'VARCHAR'".formatted(column.getFirst()));
        }
        return struct.append('}').toString();
    }

    private void run(String statement) throws SQLException {
        try (Statement sql = duck.createStatement()) {
            sql.execute(statement);
        }
    }

    @Test
    void everyFileArrivedWhole() throws Exception {
        try (ResultSet tables = duck.createStatement()
                .executeQuery("SELECT database_name || '.core.' || table_name FROM duckdb_tables() ORDER BY 1")) {
            for (List<String> table : Mesh.texts(tables)) {
                same("SELECT count(*) FROM " + table.getFirst());
            }
        }
    }

    /// Every query joins three domains or more.
    @ParameterizedTest
    @ValueSource(
            strings = {
                // hr, person, sales: who sells where
                """
                SELECT t.name, count(DISTINCT e.email_address) AS people, sum(s.sales_ytd) AS sold
                FROM sales.core.sales_person s
                JOIN hr.core.employee h ON h.business_entity_id = s.business_entity_id
                JOIN person.core.email_address e ON e.business_entity_id = h.business_entity_id
                LEFT JOIN sales.core.sales_territory t ON t.territory_id = s.territory_id
                GROUP BY t.name""",
                // purchasing, production, hr: who buys what
                """
                SELECT h.job_title, c.name AS subcategory, count(*) AS lines, sum(d.line_total) AS total
                FROM purchasing.core.purchase_order_detail d
                JOIN purchasing.core.purchase_order_header o ON o.purchase_order_id = d.purchase_order_id
                JOIN production.core.product p ON p.product_id = d.product_id
                LEFT JOIN production.core.product_subcategory c
                    ON c.product_subcategory_id = p.product_subcategory_id
                JOIN hr.core.employee h ON h.business_entity_id = o.employee_id
                GROUP BY h.job_title, c.name""",
                // hr, person, sales: where employees live, and its taxes
                """
                SELECT s.name, count(DISTINCT h.business_entity_id) AS people, max(x.tax_rate) AS highest_tax
                FROM hr.core.employee h
                JOIN person.core.business_entity_address b ON b.business_entity_id = h.business_entity_id
                JOIN person.core.address a ON a.address_id = b.address_id
                JOIN person.core.state_province s ON s.state_province_id = a.state_province_id
                LEFT JOIN sales.core.sales_tax_rate x ON x.state_province_id = s.state_province_id
                GROUP BY s.name""",
                // sales, hr, person: stores by the job of who looks after them
                """
                SELECT r.name, h.job_title, count(*) AS stores, count(DISTINCT c.territory_id) AS territories
                FROM sales.core.customer c
                JOIN sales.core.store st ON st.business_entity_id = c.store_id
                JOIN hr.core.employee h ON h.business_entity_id = st.sales_person_id
                JOIN sales.core.sales_territory t ON t.territory_id = c.territory_id
                JOIN person.core.country_region r ON r.country_region_code = t.country_region_code
                GROUP BY r.name, h.job_title""",
                // purchasing, hr, person: orders by the kind of phone of who placed them
                """
                SELECT f.phone_number_type_id, v.credit_rating, count(DISTINCT o.purchase_order_id) AS orders,
                    sum(o.total_due) AS due, max(CAST(o.order_date AS date)) AS last_order
                FROM purchasing.core.purchase_order_header o
                JOIN purchasing.core.vendor v ON v.business_entity_id = o.vendor_id
                JOIN hr.core.employee h ON h.business_entity_id = o.employee_id
                JOIN person.core.person_phone f ON f.business_entity_id = h.business_entity_id
                GROUP BY f.phone_number_type_id, v.credit_rating""",
                // all five: departments, and what their people spend in which territory
                """
                SELECT d.name AS department, t.name AS territory, count(DISTINCT p.product_id) AS products,
                    sum(x.line_total) AS spent
                FROM purchasing.core.purchase_order_header o
                JOIN purchasing.core.purchase_order_detail x ON x.purchase_order_id = o.purchase_order_id
                JOIN production.core.product p ON p.product_id = x.product_id
                JOIN hr.core.employee_department_history w
                    ON w.business_entity_id = o.employee_id AND w.end_date IS NULL
                JOIN hr.core.department d ON d.department_id = w.department_id
                JOIN person.core.business_entity_address b ON b.business_entity_id = o.employee_id
                JOIN person.core.address a ON a.address_id = b.address_id
                JOIN person.core.state_province s ON s.state_province_id = a.state_province_id
                JOIN sales.core.sales_territory t ON t.territory_id = s.territory_id
                GROUP BY d.name, t.name""",
                // purchasing, production, hr: years and categories
                """
                SELECT year(o.order_date) AS ordered, k.name AS category, sum(x.order_qty) AS quantity,
                    count(DISTINCT h.business_entity_id) AS buyers
                FROM purchasing.core.purchase_order_detail x
                JOIN purchasing.core.purchase_order_header o ON o.purchase_order_id = x.purchase_order_id
                JOIN production.core.product p ON p.product_id = x.product_id
                LEFT JOIN production.core.product_subcategory c
                    ON c.product_subcategory_id = p.product_subcategory_id
                LEFT JOIN production.core.product_category k ON k.product_category_id = c.product_category_id
                JOIN hr.core.employee h ON h.business_entity_id = o.employee_id
                GROUP BY year(o.order_date), k.name
                HAVING count(*) > 1""",
                // sales, person, hr: cards, by their kind
                """
                SELECT c.card_type, count(*) AS cards, count(DISTINCT e.email_address) AS people,
                    count(h.business_entity_id) AS employees, max(c.card_number) AS last_number
                FROM sales.core.person_credit_card p
                JOIN sales.core.credit_card c ON c.credit_card_id = p.credit_card_id
                JOIN person.core.email_address e ON e.business_entity_id = p.business_entity_id
                LEFT JOIN hr.core.employee h ON h.business_entity_id = p.business_entity_id
                GROUP BY c.card_type"""
            })
    void domainsJoinAsTheFilesDo(String query) throws Exception {
        assertThat(same(query)).isNotEmpty();
    }

    private List<List<String>> same(String query) throws Exception {
        List<List<String>> expected;
        try (Statement sql = duck.createStatement();
                ResultSet result = sql.executeQuery(query)) {
            expected = plain(Mesh.texts(result));
        }
        assertThat(plain(mesh.rows("steward", query))).as(query).isEqualTo(expected);
        return expected;
    }

    /// Sorted, and numbers without the zeros at their end, which the engines count differently.
    private static List<List<String>> plain(List<List<String>> rows) {
        return rows.stream()
                .map(row -> row.stream()
                        .map(value -> value.matches("-?\\d+\\.\\d+")
                                ? new BigDecimal(value).stripTrailingZeros().toPlainString()
                                : value)
                        .toList())
                .sorted(Comparator.comparing(Object::toString))
                .toList();
    }

    @Test
    void realEmailsPhonesAndNamesAreMaskedForTheAnalyst() throws Exception {
        masked("person.core.email_address", "email_address", Masked::alphanum);
        masked("person.core.person_phone", "phone_number", Masked::last4);
        masked("production.core.product_review", "reviewer_name", Masked::alphanum);
        masked("production.core.product_review", "email_address", Masked::alphanum);
        masked("hr.core.employee", "birth_date", date -> date.substring(0, 4) + "-01-01");
        masked("hr.core.employee", "login_id", Masked::sha256);
    }

    @Test
    void whatIsHiddenIsHiddenWhole() throws Exception {
        for (List<String> column : List.of(
                List.of("hr.core.job_candidate", "resume"),
                List.of("hr.core.employee_pay_history", "rate"),
                List.of("person.core.address", "address_line1"),
                List.of("hr.core.employee", "gender"))) {
            assertThat(mesh.rows(
                            "analyst", "SELECT count(%2$s) FROM %1$s".formatted(column.getFirst(), column.getLast())))
                    .as(column.toString())
                    .isEqualTo(List.of(List.of("0")));
        }
        String nationalIds = "SELECT national_id_number FROM hr.core.employee";
        assertThat(mesh.rows("analyst", nationalIds)).doesNotContainAnyElementsOf(mesh.rows("steward", nationalIds));
    }

    /// All values of the column, as the mask makes them of what the steward sees; and the steward sees what is in the
    /// file.
    private void masked(String table, String column, UnaryOperator<String> mask) throws Exception {
        String query = "SELECT %s, count(*) FROM %s GROUP BY 1".formatted(column, table);
        Map<String, Integer> expected = new TreeMap<>();
        for (List<String> row : same(query)) {
            expected.merge(mask.apply(row.getFirst()), Integer.parseInt(row.getLast()), Integer::sum);
        }
        Map<String, Integer> seen = new TreeMap<>();
        for (List<String> row : mesh.rows("analyst", query)) {
            seen.merge(row.getFirst(), Integer.parseInt(row.getLast()), Integer::sum);
        }
        assertThat(seen).as("%s.%s", table, column).isEqualTo(expected);
    }
}
