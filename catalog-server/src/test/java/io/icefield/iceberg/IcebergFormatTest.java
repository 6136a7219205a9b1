package io.icefield.iceberg;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.Refusal;
import io.icefield.policy.Column;
import io.icefield.storage.Location;
import io.icefield.table.Metadata;
import io.icefield.table.TableFormat.CommitRequest;
import io.icefield.table.TableFormat.Prepared;
import java.util.List;
import java.util.UUID;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IcebergFormatTest {
    private static final UUID ID = UUID.fromString("0d9fd8a5-3d2c-4c0f-9a53-3c8b0f8f2e11");
    private static final Location FOLDER = new Location("sales", "trade/orders-0d9f");
    private static final String SCHEMA = """
            {"type":"struct","schema-id":0,"fields":[
              {"id":1,"name":"id","required":true,"type":"long"},
              {"id":2,"name":"buyer","required":false,"type":{"type":"struct","fields":[
                 {"id":3,"name":"email","required":false,"type":"string","doc":"where bills go"}]}},
              {"id":4,"name":"notes","required":false,"type":
                 {"type":"list","element-id":5,"element":"string","element-required":false}}]}""";

    private final IcebergFormat format = new IcebergFormat(1 << 20);

    private Prepared created(String properties) {
        return format.create(
                format.createRequest(
                        "{\"name\":\"orders\",\"schema\":%s,\"properties\":%s}".formatted(SCHEMA, properties)),
                ID,
                FOLDER);
    }

    private static Metadata published(Prepared prepared) {
        return new Metadata(FOLDER.child("metadata").child(prepared.file()), prepared.json());
    }

    @Test
    void aNewTableHasItsIdItsFolderAndAllLevelsOfItsColumns() {
        Prepared table = created("{\"owner\":\"sales\"}");

        assertThat(table.uuid()).isEqualTo(ID);
        assertThat(table.location()).isEqualTo(FOLDER.toString());
        assertThat(table.file()).startsWith("00000-").endsWith(".metadata.json");
        assertThat(table.properties()).containsEntry("owner", "sales");
        assertThat(table.columns())
                .extracting(Column::path)
                .containsExactly("id", "buyer", "buyer.email", "notes", "notes.element");
        assertThat(table.columns())
                .extracting(Column::type)
                .containsExactly("long", "struct", "string", "list", "string");
        assertThat(table.columns().get(2).doc()).isEqualTo("where bills go");
    }

    @Test
    void theFormatVersionIsAWishAndNoProperty() {
        TableMetadata metadata = TableMetadataParser.fromJson(
                new String(created("{\"format-version\":\"3\"}").json(), UTF_8));

        assertThat(metadata.formatVersion()).isEqualTo(3);
        assertThat(metadata.properties()).doesNotContainKey("format-version");
    }

    @Test
    void aCommitWritesTheNextVersionAndRemembersTheLastFile() {
        Prepared first = created("{}");
        Metadata current = published(first);

        Prepared next = format.commit(format.read(current), List.of(format.commitRequest("""
                {"requirements":[{"type":"assert-table-uuid","uuid":"%s"}],
                 "updates":[{"action":"set-properties","updates":{"a":"b"}}]}""".formatted(ID))));

        assertThat(next.unchanged()).isFalse();
        assertThat(next.file()).startsWith("00001-");
        assertThat(next.properties()).containsEntry("a", "b");
        TableMetadata metadata = TableMetadataParser.fromJson(new String(next.json(), UTF_8));
        assertThat(metadata.previousFiles())
                .singleElement()
                .satisfies(entry ->
                        assertThat(entry.file()).isEqualTo(current.location().toString()));
    }

    @Test
    void aCommitThatChangesNothingIsAnsweredWithWhatIsThere() {
        Prepared next = format.commit(
                format.read(published(created("{}"))),
                List.of(format.commitRequest("{\"requirements\":[],\"updates\":[]}")));

        assertThat(next.unchanged()).isTrue();
    }

    @Test
    void aRequirementThatDoesNotHoldIsALostRace() {
        CommitRequest commit = format.commitRequest("""
                {"requirements":[{"type":"assert-table-uuid","uuid":"%s"}],"updates":[]}""".formatted(UUID.randomUUID()));

        assertThatThrownBy(() -> format.commit(format.read(published(created("{}"))), List.of(commit)))
                .isInstanceOf(Refusal.Conflict.class);
    }

    @Test
    void aTableKeepsItsUuid() {
        CommitRequest commit = format.commitRequest("""
                {"updates":[{"action":"assign-uuid","uuid":"%s"}]}""".formatted(UUID.randomUUID()));

        assertThatThrownBy(() -> format.commit(format.read(published(created("{}"))), List.of(commit)))
                .isInstanceOf(Refusal.Invalid.class)
                .hasMessageContaining("keeps its UUID");
    }

    @Test
    void theCommitOfAStagedCreationBringsTheWholeTable() {
        CommitRequest commit = format.commitRequest("""
                {"requirements":[{"type":"assert-create"}],"updates":[
                  {"action":"assign-uuid","uuid":"%s"},{"action":"upgrade-format-version","format-version":2},
                  {"action":"add-schema","schema":%s,"last-column-id":5},{"action":"set-current-schema","schema-id":-1},
                  {"action":"add-spec","spec":{"spec-id":0,"fields":[]}},{"action":"set-default-spec","spec-id":-1},
                  {"action":"add-sort-order","sort-order":{"order-id":0,"fields":[]}},
                  {"action":"set-default-sort-order","sort-order-id":-1},
                  {"action":"set-location","location":"%s"}]}""".formatted(ID, SCHEMA, FOLDER));

        assertThat(commit.creates()).isTrue();
        Prepared table = format.commitNew(List.of(commit), new Location("sales", "elsewhere"));
        assertThat(table.uuid()).isEqualTo(ID);
        assertThat(table.location()).isEqualTo(FOLDER.toString());
        assertThat(table.columns()).hasSize(5);
    }

    @Test
    void foldersThatFilesAreWrittenToAreTold() {
        assertThat(created("{\"write.data.path\":\"s3://other/x\",\"write.metadata.path\":\"s3://other/y\"}")
                        .folders())
                .containsEntry("write.data.path", "s3://other/x")
                .containsEntry("write.metadata.path", "s3://other/y");
    }

    @Test
    void aCompressedTableSaysSoInTheNameOfItsFile() {
        assertThat(created("{\"write.metadata.compression-codec\":\"gzip\"}").file())
                .endsWith(".gz.metadata.json");
    }

    @Test
    void clientsThatLeaveTheOnlySensibleIdOutAreUnderstood() {
        assertThat(format.createRequest(
                                "{\"name\":\"t\",\"schema\":%s,\"partition-spec\":{\"fields\":[]},\"write-order\":{\"fields\":[]}}"
                                        .formatted(SCHEMA))
                        .name())
                .isEqualTo("t");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "[]",
                "{",
                "{\"name\":\"t\"}",
                "{\"name\":1,\"schema\":7}",
                "{\"name\":\"t\",\"schema\":{\"type\":\"struct\",\"fields\":[{\"id\":1}]}}",
                "{\"name\":\"t\",\"schema\":{\"type\":\"struct\",\"fields\":[]},\"properties\":{\"a\":null}}",
                "{\"name\":\"t\",\"schema\":{\"type\":\"struct\",\"fields\":[]},\"properties\":{\"a\":{}}}"
            })
    void aBrokenCreationIsTheCallersToMend(String body) {
        assertThatThrownBy(() -> format.createRequest(body)).isInstanceOf(Refusal.Invalid.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "7",
                "{\"updates\":{}}",
                "{\"updates\":[{\"action\":\"paint-it-blue\"}]}",
                "{\"updates\":[{}]}",
                "{\"requirements\":[{\"type\":\"assert-nothing\"}]}",
                "{\"requirements\":[{\"type\":\"assert-create\"},{\"type\":\"assert-table-uuid\",\"uuid\":\"x\"}]}",
                "{\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"a\":null}}]}"
            })
    void aBrokenCommitIsTheCallersToMend(String body) {
        assertThatThrownBy(() -> format.commitRequest(body)).isInstanceOf(Refusal.Invalid.class);
    }

    @Test
    void aHundredThousandBracketsAreRefusedAndNotFollowed() {
        assertThatThrownBy(() -> format.commitRequest("{\"updates\":" + "[".repeat(100_000)))
                .isInstanceOf(Refusal.Invalid.class);
    }
}
