package io.icefield.postgres;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.DriverPropertyInfo;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/// The way to a database on which prepared statements are counted: what the pool asks by itself is none.
public final class CountedStatements {
    private static final AtomicInteger NAMES = new AtomicInteger();

    private final AtomicLong count = new AtomicLong();
    private final Database.Settings settings;

    public CountedStatements(Database.Settings to) {
        String prefix = "jdbc:counted" + NAMES.incrementAndGet() + ":";
        settings = new Database.Settings(
                prefix + to.url().substring("jdbc:".length()), to.user(), to.password(), to.poolSize(), to.keys());
        try {
            DriverManager.registerDriver(new Counting(prefix));
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    public Database.Settings settings() {
        return settings;
    }

    /// Statements that were executed so far.
    public long count() {
        return count.get();
    }

    private final class Counting implements Driver {
        private final String prefix;

        Counting(String prefix) {
            this.prefix = prefix;
        }

        @Override
        public boolean acceptsURL(String url) {
            return url.startsWith(prefix);
        }

        @Override
        @SuppressWarnings("NullAway") // JDBC: `null` says that it is not for this driver
        public Connection connect(String url, Properties info) throws SQLException {
            if (!acceptsURL(url)) {
                return null;
            }
            Connection real = DriverManager.getConnection("jdbc:" + url.substring(prefix.length()), info);
            return counting(Connection.class, real);
        }

        @Override
        public DriverPropertyInfo[] getPropertyInfo(String url, Properties info) {
            return new DriverPropertyInfo[0];
        }

        @Override
        public int getMajorVersion() {
            return 1;
        }

        @Override
        public int getMinorVersion() {
            return 0;
        }

        @Override
        public boolean jdbcCompliant() {
            return false;
        }

        @Override
        public Logger getParentLogger() throws SQLFeatureNotSupportedException {
            throw new SQLFeatureNotSupportedException();
        }
    }

    private <T> T counting(Class<T> type, T real) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (_, method, args) -> called(real, method, args)));
    }

    private @Nullable Object called(Object real, Method method, Object @Nullable [] args) throws Throwable {
        if (method.getName().startsWith("execute")) {
            count.incrementAndGet();
        }
        try {
            Object result = method.invoke(real, args);
            return result instanceof PreparedStatement statement && method.getReturnType() == PreparedStatement.class
                    ? counting(PreparedStatement.class, statement)
                    : result;
        } catch (InvocationTargetException e) {
            throw e.getCause() == null ? e : e.getCause();
        }
    }
}
