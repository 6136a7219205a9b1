package io.icefield.iceberg;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.Refusal;
import io.icefield.policy.Column;
import io.icefield.storage.Location;
import io.icefield.table.Metadata;
import io.icefield.table.TableFormat.Prepared;
import java.util.UUID;
import org.apache.iceberg.view.ViewMetadata;
import org.apache.iceberg.view.ViewMetadataParser;
import org.apache.iceberg.view.ViewVersion;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IcebergViewFormatTest {
    private static final UUID ID = UUID.fromString("0d9fd8a5-3d2c-4c0f-9a53-3c8b0f8f2e11");
    private static final Location FOLDER = new Location("sales", "trade/orders-0d9f");

    private final IcebergViewFormat format = new IcebergViewFormat(1 << 20);

    private static String createBody(String properties, String sql) {
        return """
                {"name":"big_orders","schema":{"type":"struct","schema-id":5,"fields":[
                {"id":9,"name":"id","required":false,"type":"long"}]},
                "view-version":{"version-id":7,"schema-id":0,"timestamp-ms":1,"summary":{},"default-namespace":["crm"],
                "representations":[%s]},"properties":%s}""".formatted(sql, properties);
    }

    private static String sql(String dialect, String query) {
        return "{\"type\":\"sql\",\"dialect\":\"%s\",\"sql\":\"%s\"}".formatted(dialect, query);
    }

    private Prepared created(String properties) {
        return format.create(format.createRequest(createBody(properties, sql("trino", "SELECT 1"))), ID, FOLDER);
    }

    private static Metadata published(Prepared prepared) {
        return new Metadata(FOLDER.child("metadata").child(prepared.file()), prepared.json());
    }

    private static ViewMetadata view(Prepared prepared) {
        return ViewMetadataParser.fromJson(new String(prepared.json(), UTF_8));
    }

    private Prepared replaced(Metadata current, String query) {
        return format.replace(current, format.replaceRequest("""
                {"requirements":[{"type":"assert-view-uuid","uuid":"%s"}],"updates":[
                {"action":"add-view-version","view-version":{"version-id":2,"schema-id":0,"timestamp-ms":2,"summary":{},
                "default-namespace":["crm"],"representations":[%s]}},
                {"action":"set-current-view-version","view-version-id":-1}]}""".formatted(ID, sql("trino", query))));
    }

    @Test
    void aNewViewHasItsIdItsFolderAndItsFirstVersion() {
        Prepared made = created("{\"comment\":\"c\"}");

        assertThat(made.uuid()).isEqualTo(ID);
        assertThat(made.location()).isEqualTo(FOLDER.toString());
        assertThat(made.file()).startsWith("00000-").endsWith(".gz.metadata.json");
        assertThat(made.columns()).extracting(Column::path).containsExactly("id");
        assertThat(view(made).versions()).extracting(ViewVersion::versionId).containsExactly(1);
        assertThat(view(made).schema().schemaId()).isZero();
        assertThat(view(made).properties()).containsEntry("comment", "c");
    }

    @Test
    void changesMadeFromTheSameVersionAreAppliedOneAfterTheOther() {
        Metadata first = published(created("{}"));
        Prepared second = replaced(first, "SELECT 2");
        Prepared third = replaced(published(second), "SELECT 3"); // its client saw version 1 too

        assertThat(third.file()).startsWith("00002-");
        assertThat(view(third).versions()).extracting(ViewVersion::versionId).containsExactly(1, 2, 3);
        assertThat(view(third).currentVersionId()).isEqualTo(3);
        assertThat(view(third).history()).hasSize(3);
    }

    @Test
    void nobodyIsNamedAsWhomTheViewRuns() {
        Prepared made = created("{\"trino.run-as-owner\":\"steward\",\"Trino.Run-As-Owner\":\"steward\",\"k\":\"v\"}");
        assertThat(made.properties()).containsOnlyKeys("k");
        assertThat(new String(made.json(), UTF_8)).doesNotContainIgnoringCase("owner");

        Metadata current = published(made);
        Prepared unchanged = format.replace(
                current,
                format.replaceRequest(
                        "{\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"trino.run-as-owner\":\"x\"}}]}"));
        assertThat(unchanged.unchanged()).isTrue();
        Prepared changed = format.replace(
                current,
                format.replaceRequest(
                        "{\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"trino.run-as-owner\":\"x\",\"k\":\"w\"}}]}"));
        assertThat(changed.properties()).containsOnlyKeys("k").containsEntry("k", "w");
    }

    @Test
    void aFileThatNamesSomebodyIsShownAndContinuedWithout() {
        String owned = new String(created("{\"k\":\"v\"}").json(), UTF_8)
                .replace("\"properties\":{", "\"properties\":{\"trino.run\\u002das-owner\":\"steward\",");
        Metadata file = new Metadata(FOLDER.child("metadata").child("00004-x.metadata.json"), owned.getBytes(UTF_8));
        assertThat(ViewMetadataParser.fromJson(owned).properties()).containsKey("trino.run-as-owner");

        Prepared shown = format.read(file);
        assertThat(view(shown).properties()).containsOnlyKeys("k");
        assertThat(view(shown).uuid()).isEqualTo(ID.toString());
        Prepared next = replaced(file, "SELECT 2");
        assertThat(view(next).properties()).containsOnlyKeys("k");
        assertThat(next.file()).startsWith("00005-");
    }

    @Test
    void aFileIsShownAsItIs() {
        Metadata file = published(created("{}"));
        assertThat(format.read(file).json()).isSameAs(file.json());
    }

    @Test
    void anotherViewIsAConflict() {
        assertThatThrownBy(() -> format.replace(
                        published(created("{}")),
                        format.replaceRequest(
                                "{\"requirements\":[{\"type\":\"assert-view-uuid\",\"uuid\":\"%s\"}],\"updates\":[]}"
                                        .formatted(UUID.randomUUID()))))
                .isInstanceOf(Refusal.Conflict.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"updates\":[{\"action\":\"launch\"}]}",
                "{\"updates\":[{\"action\":\"assign-uuid\",\"uuid\":\"0d9fd8a5-3d2c-4c0f-9a53-000000000000\"}]}",
                "{\"updates\":[{\"action\":\"set-current-schema\",\"schema-id\":0}]}",
                "{\"updates\":[{\"action\":\"remove-snapshots\",\"snapshot-ids\":[1]}]}",
                "{\"updates\":[{\"action\":\"set-current-view-version\",\"view-version-id\":9}]}",
                "{\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"version.history.num-entries\":\"0\"}}]}",
                "{\"updates\":[{\"action\":\"upgrade-format-version\",\"format-version\":9}]}",
                "{\"requirements\":[{\"type\":\"assert-mood\"}],\"updates\":[]}",
                "{\"requirements\":[{\"type\":\"assert-current-schema-id\",\"current-schema-id\":0}],\"updates\":[]}",
                "[]",
                "7"
            })
    void whatAViewCannotBeIsRefused(String body) {
        Metadata current = published(created("{}"));
        assertThatThrownBy(() -> format.replace(current, format.replaceRequest(body)))
                .isInstanceOf(Refusal.Invalid.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{\"type\":\"wasm\",\"code\":\"x\"}",
                "{\"type\":\"sql\",\"dialect\":\"a\",\"sql\":\"x\"},{\"type\":\"sql\",\"dialect\":\"A\",\"sql\":\"y\"}"
            })
    void aViewWithoutAQueryThatIsUnderstoodIsRefused(String representations) {
        assertThatThrownBy(() -> format.create(
                        format.createRequest(createBody("{}", representations)), UUID.randomUUID(), FOLDER))
                .isInstanceOf(Refusal.Invalid.class);
    }
}
