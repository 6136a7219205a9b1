package io.icefield.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.math.BigDecimal;
import java.net.URI;
import java.nio.file.Path;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "sql", description = "Ask Trino, as any principal: tables are DOMAIN.NAMESPACE.TABLE.")
final class SqlCommand extends MeshCommand {
    @Parameters(paramLabel = "SQL", description = "One statement.")
    private String sql = "";

    @Option(names = "--as", paramLabel = "PRINCIPAL", description = "Who asks (default: admin).")
    private @Nullable String principal;

    @Override
    public Integer call() throws SQLException {
        Target target = target();
        String token = target.as(Optional.ofNullable(principal)).token();
        try (Connection trino = connect(target.trino(), target.trinoTrustStore(), token);
                Statement statement = trino.createStatement()) {
            if (!statement.execute(withoutSemicolon(sql))) {
                int count = statement.getUpdateCount();
                say(count < 0 ? "done" : counted(count));
                return Icefield.DONE;
            }
            try (ResultSet rows = statement.getResultSet()) {
                print(rows);
            }
            return Icefield.DONE;
        } catch (RowsBroken e) {
            throw e.reason;
        }
    }

    private static String counted(long rows) {
        return rows == 1 ? "1 row" : "%d rows".formatted(rows);
    }

    static Connection connect(URI uri, Optional<Path> trustStore, String token) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", Target.subject(token));
        properties.setProperty("source", "icefield");
        if (uri.getScheme().equals("https")) {
            properties.setProperty("SSL", "true");
            properties.setProperty("accessToken", token);
            trustStore.ifPresent(path -> properties.setProperty("SSLTrustStorePath", path.toString()));
        }
        int port = uri.getPort() > 0 ? uri.getPort() : uri.getScheme().equals("https") ? 443 : 80;
        return DriverManager.getConnection("jdbc:trino://%s:%d".formatted(uri.getHost(), port), properties);
    }

    private static String withoutSemicolon(String statement) {
        return statement.strip().replaceAll(";+$", "");
    }

    private void print(ResultSet rows) throws SQLException {
        int width = rows.getMetaData().getColumnCount();
        List<String> columns = new ArrayList<>();
        for (int column = 1; column <= width; column++) {
            columns.add(rows.getMetaData().getColumnLabel(column));
        }
        long[] count = {0};
        printer().rows(columns, new Iterator<>() {
            private Optional<Boolean> more = Optional.empty();

            @Override
            public boolean hasNext() {
                if (more.isEmpty()) {
                    try {
                        more = Optional.of(rows.next());
                    } catch (SQLException e) {
                        throw new RowsBroken(e);
                    }
                }
                return more.get();
            }

            @Override
            public List<JsonNode> next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                more = Optional.empty();
                count[0]++;
                try {
                    List<JsonNode> row = new ArrayList<>(width);
                    for (int column = 1; column <= width; column++) {
                        row.add(json(rows.getObject(column)));
                    }
                    return row;
                } catch (SQLException e) {
                    throw new RowsBroken(e);
                }
            }
        });
        if (root().output() == Output.TABLE) {
            say(counted(count[0]));
        }
    }

    private static JsonNode json(@Nullable Object value) throws SQLException {
        JsonNodeFactory json = JsonNodeFactory.instance;
        return switch (value) {
            case null -> json.nullNode();
            case Boolean truth -> json.booleanNode(truth);
            case BigDecimal number -> json.numberNode(number);
            case Double number when Double.isNaN(number) || Double.isInfinite(number) -> json.textNode("" + number);
            case Double number -> json.numberNode(number);
            case Float number when Float.isNaN(number) || Float.isInfinite(number) -> json.textNode("" + number);
            case Float number -> json.numberNode(number);
            case Number number -> json.numberNode(number.longValue());
            case byte[] bytes -> json.textNode(HexFormat.of().formatHex(bytes));
            case Array array -> {
                ArrayNode list = json.arrayNode();
                for (Object element : (Object[]) array.getArray()) {
                    list.add(json(element));
                }
                yield list;
            }
            default -> json.textNode(value.toString());
        };
    }

    /// Carries a failure of the query through an iterator.
    private static final class RowsBroken extends RuntimeException {
        private final SQLException reason;

        RowsBroken(SQLException reason) {
            super(reason);
            this.reason = reason;
        }
    }
}
