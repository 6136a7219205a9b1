package io.icefield.demo;

import java.util.List;
import java.util.Map;

/// One business area of the TPC-H company, and the tables that it owns.
///
/// @param name the domain
/// @param namespace its one namespace
/// @param tables TPC-H tables
/// @param tags what personal columns hold: `table.column` to tag
record TpchDomain(String name, String namespace, List<String> tables, Map<String, String> tags) {
    static final List<TpchDomain> ALL = List.of(
            new TpchDomain(
                    "crm",
                    "people",
                    List.of("customer"),
                    Map.of(
                            "customer.name", "pii.name",
                            "customer.phone", "pii.phone",
                            "customer.address", "pii.address")),
            new TpchDomain("sales", "trade", List.of("orders", "lineitem"), Map.of()),
            new TpchDomain(
                    "supply",
                    "vendors",
                    List.of("supplier", "part", "partsupp"),
                    Map.of(
                            "supplier.name", "pii.name",
                            "supplier.phone", "pii.phone",
                            "supplier.address", "pii.address")),
            new TpchDomain("geo", "world", List.of("nation", "region"), Map.of()));

    /// `domain.namespace.table` of a TPC-H table.
    static String address(String table) {
        return ALL.stream()
                .filter(domain -> domain.tables().contains(table))
                .map(domain -> domain.name() + "." + domain.namespace() + "." + table)
                .findFirst()
                .orElseThrow();
    }
}
