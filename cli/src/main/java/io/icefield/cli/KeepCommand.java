package io.icefield.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.icefield.client.ApiClient;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// What the commands for tables, views and namespaces share: addresses with dots, and protection.
abstract class KeepCommand extends MeshCommand {
    /// `DOMAIN.NAMESPACE`, or with a last name below it.
    record Address(String domain, String namespace, String name) {}

    final Address address(String text, String form) {
        String[] names = text.split("\\.", -1);
        if (names.length < form.split("\\.", -1).length || List.of(names).contains("")) {
            throw wrongUsage("`%s` is no name of that kind; say %s".formatted(text, form));
        }
        int last = names.length - (form.equals("DOMAIN.NAMESPACE") ? 0 : 1);
        return new Address(
                names[0],
                String.join(".", Arrays.asList(names).subList(1, last)),
                last == names.length ? "" : names[last]);
    }

    /// @param things `tables` or `views`; empty: the namespace itself
    final int protect(Address address, String things, boolean on) {
        List<String> path = new ArrayList<>(List.of("domains", address.domain(), "namespaces", address.namespace()));
        if (!things.isEmpty()) {
            path.addAll(List.of(things, address.name()));
        }
        path.add("protection");
        JsonNode body = JsonNodeFactory.instance.objectNode().put("protected", on);
        return show(target().client().put(ApiClient.path(path.toArray(String[]::new)), body));
    }
}
