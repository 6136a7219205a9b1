package io.icefield.demo;

import java.util.List;
import java.util.function.UnaryOperator;

/// The questions that join domains: TPC-H's Q5 and Q10 in shape. `{table}` stands for where a table is. Amounts are
/// cast to exact decimals because the `tpch` connector generates doubles.
enum Queries {
    /// Revenue by nation from customers who buy from suppliers of their own country.
    Q5("revenue that stays within a country, by nation (TPC-H Q5)", """
            SELECT n.name, sum(CAST(l.extendedprice AS decimal(12, 2)) * (1 - CAST(l.discount AS decimal(12, 2)))) AS revenue
            FROM {customer} c
            JOIN {orders} o ON c.custkey = o.custkey
            JOIN {lineitem} l ON l.orderkey = o.orderkey
            JOIN {supplier} s ON l.suppkey = s.suppkey AND c.nationkey = s.nationkey
            JOIN {nation} n ON s.nationkey = n.nationkey
            JOIN {region} r ON n.regionkey = r.regionkey
            WHERE r.name = 'ASIA' AND o.orderdate >= DATE '1994-01-01' AND o.orderdate < DATE '1995-01-01'
            GROUP BY n.name
            ORDER BY revenue DESC, n.name
            """),
    /// Customers who returned most.
    Q10("the customers who sent back most (TPC-H Q10)", """
            SELECT c.custkey, sum(CAST(l.extendedprice AS decimal(12, 2)) * (1 - CAST(l.discount AS decimal(12, 2)))) AS revenue,
                   CAST(c.acctbal AS decimal(12, 2)) AS acctbal, n.name AS nation
            FROM {customer} c
            JOIN {orders} o ON c.custkey = o.custkey
            JOIN {lineitem} l ON l.orderkey = o.orderkey
            JOIN {nation} n ON c.nationkey = n.nationkey
            WHERE o.orderdate >= DATE '1993-10-01' AND o.orderdate < DATE '1994-01-01' AND l.returnflag = 'R'
            GROUP BY c.custkey, c.acctbal, n.name
            ORDER BY revenue DESC, c.custkey
            LIMIT 20
            """);

    private static final List<String> TABLES =
            List.of("customer", "orders", "lineitem", "supplier", "nation", "region");

    private final String title;
    private final String template;

    Queries(String title, String template) {
        this.title = title;
        this.template = template;
    }

    String title() {
        return title;
    }

    String sql(UnaryOperator<String> address) {
        String sql = template;
        for (String table : TABLES) {
            sql = sql.replace("{" + table + "}", address.apply(table));
        }
        return sql;
    }
}
