package io.icefield.http;

import static io.icefield.http.Caller.TABLES;
import static io.icefield.http.Caller.ok;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.http.RunningServer.Reply;
import org.apache.iceberg.FieldLabel;
import org.apache.iceberg.Labels;
import org.apache.iceberg.LabelsParser;
import org.junit.jupiter.api.Test;

/// Tags reach clients as Iceberg's labels.
class LabelsTest {
    @Test
    void whatAColumnHoldsIsALabelOfIt() {
        try (Caller caller = new Caller()) {
            caller.create("plain");
            assertThat(ok(caller.get(TABLES + "/plain")).json().has("labels")).isFalse();
            caller.create("t", ",\"properties\":{\"icefield.tags.id\":\"pii.id,confidential\"}");
            Reply before = ok(caller.get(TABLES + "/t"));
            Labels labels = LabelsParser.fromJson(before.json().path("labels").toString());
            assertThat(labels.objectLabels()).containsEntry("icefield.tags", "confidential,pii.id");
            assertThat(labels.fields()).hasSize(1);
            FieldLabel id = labels.fields().getFirst();
            assertThat(id.fieldId()).isEqualTo(1);
            assertThat(id.labels()).containsEntry("icefield.tags", "confidential,pii.id");

            ok(caller.mesh.send(
                    "PUT",
                    "/api/v1/domains/sales/namespaces/crm/tables/t/classification",
                    caller.mesh.seller,
                    "{\"columns\":{\"at\":[\"public\"],\"id\":[]}}"));
            Reply after = caller.with("GET", TABLES + "/t", "", "If-None-Match", before.header("ETag"));
            assertThat(after.status())
                    .as("who knows the old labels is told the new ones")
                    .isEqualTo(200);
            JsonNode fields = after.json().path("labels").path("fields");
            assertThat(fields.toString()).isEqualTo("[{\"field-id\":2,\"labels\":{\"icefield.tags\":\"public\"}}]");
        }
    }
}
