package io.icefield.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.client.ApiException;
import io.icefield.local.MeshState;
import io.icefield.local.Principals;
import java.util.List;
import picocli.CommandLine.Command;

@Command(name = "status", description = "Say what runs; exit 1 when nothing does. As JSON it includes secrets.")
final class StatusCommand extends MeshCommand {
    @Override
    public Integer call() {
        MeshState state = Target.Local.stateOf(home());
        Target.Local target = new Target.Local(home(), state.addresses());
        List<JsonNode> domains = domains(target);
        JsonNode status = status(state, new Principals(home()).all(), domains);
        if (root().output() == Output.JSON) {
            return show(status);
        }
        ObjectNode brief = JsonNodeFactory.instance.objectNode();
        brief.put("home", home().folder().toString())
                .put("catalog", state.addresses().iceberg().toString())
                .put("api", state.addresses().api().toString())
                .put("trino", state.addresses().trino().toString())
                .put("s3", state.addresses().s3Endpoint())
                .put("postgres", state.addresses().jdbcUrl());
        domains.forEach(domain -> brief.put(
                "domain " + domain.path("name").asText(),
                "bucket " + domain.path("bucket").asText()));
        state.processes()
                .forEach(process -> brief.put(
                        "process " + process.name(), "pid %d, log %s".formatted(process.pid(), process.log())));
        return show(brief);
    }

    /// What runs can be said also while the catalog is being started again.
    private List<JsonNode> domains(Target target) {
        try {
            target.domainsChanged();
            return target.client().list("/api/v1/domains", "domains");
        } catch (ApiException e) {
            say("the catalog does not tell its domains now: " + e.getMessage());
            return List.of();
        }
    }

    /// The shape that scripts rely on.
    static ObjectNode status(MeshState state, List<Principals.Known> principals, List<JsonNode> domains) {
        MeshState.Addresses at = state.addresses();
        ObjectNode status = JsonNodeFactory.instance.objectNode();
        status.putObject("iceberg")
                .put("uri", at.iceberg().toString())
                .put("oauth2-server-uri", at.tokens().toString());
        status.putObject("api").put("uri", at.api().toString());
        status.putObject("trino").put("uri", at.trino().toString());
        status.putObject("s3")
                .put("endpoint", at.s3Endpoint())
                .put("region", at.s3Region())
                .put("path-style-access", at.s3PathStyle());
        status.putObject("postgres").put("jdbc-url", at.jdbcUrl());
        var names = status.putArray("principals");
        principals.forEach(principal -> names.add(principal.toJson()));
        var buckets = status.putArray("domains");
        domains.forEach(domain -> buckets.addObject()
                .put("name", domain.path("name").asText())
                .put("bucket", domain.path("bucket").asText()));
        var processes = status.putArray("processes");
        state.processes()
                .forEach(process -> processes
                        .addObject()
                        .put("name", process.name())
                        .put("pid", process.pid())
                        .put("log", process.log().toString()));
        return status;
    }
}
