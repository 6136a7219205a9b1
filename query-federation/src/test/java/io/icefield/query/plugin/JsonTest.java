package io.icefield.query.plugin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    @Test
    void valuesAreWrittenAsJsonHasThem() {
        assertThat(Json.write(Json.object(
                        "text",
                        "a\"b\\c\n\u0001é日😀",
                        "yes",
                        true,
                        "none",
                        Json.NULL,
                        "n",
                        7,
                        "d",
                        1.5,
                        "list",
                        List.of(),
                        "o",
                        Map.of())))
                .isEqualTo(
                        "{\"text\":\"a\\\"b\\\\c\\n\\u0001é日😀\",\"yes\":true,\"none\":null,\"n\":7,\"d\":1.5,\"list\":[],\"o\":{}}");
    }

    @Test
    void halfACharacterIsEscaped() {
        assertThat(Json.write("\ud83d!")).isEqualTo("\"\\ud83d!\"");
    }

    @Test
    void valuesAreReadAsJsonHasThem() {
        assertThat(
                        Json.read(
                                " {\"a\" : [1, -2.5e3, true,false , null], \"b\":{}, \"c\\u0041\":\"\\\\\\/\\n\\ud83d\\ude00\"}\n"))
                .isEqualTo(Map.of(
                        "a",
                        List.of(new BigDecimal(1), new BigDecimal("-2.5e3"), true, false, Json.NULL),
                        "b",
                        Map.of(),
                        "cA",
                        "\\/\n😀"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "{",
                "[1,]",
                "{\"a\":1,}",
                "{a:1}",
                "'a'",
                "\"a",
                "\"\\x\"",
                "\"\\u12g4\"",
                "\"\t\"",
                "01",
                "1.",
                ".5",
                "+1",
                "tru",
                "nul",
                "1 2",
                "{\"a\":1}}",
                "{\"a\":1,\"a\":2}",
                "[1 2]",
                "NaN",
                "-",
                "\uffff",
                "[1]\uffff"
            })
    void whatIsNotJsonIsRefused(String text) {
        assertThatThrownBy(() -> Json.read(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void nestingHasALimit() {
        assertThat(Json.read("[".repeat(Json.DEPTH_MAX) + "]".repeat(Json.DEPTH_MAX)))
                .isNotNull();
        assertThatThrownBy(() -> Json.read("[".repeat(100_000))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void anyTextComesBack() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 2_000; i++) {
            String text = random.ints(random.nextInt(20), 0, 0x10000)
                    .collect(StringBuilder::new, (out, c) -> out.append((char) c), StringBuilder::append)
                    .toString();
            assertThat(Json.read(Json.write(List.of(text)))).as("seed %d", seed).isEqualTo(List.of(text));
        }
    }
}
