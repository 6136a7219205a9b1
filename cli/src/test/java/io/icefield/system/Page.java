package io.icefield.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// A client's part of `docs/clients.md`: its row of the matrix, and a line for each job that it cannot do. With
/// `UPDATE_GOLDEN=1` the page follows what happened; a new client's row is put below the last one.
record Page(String client) {
    private static final Path FILE = Mesh.CHECKOUT.resolve("docs/clients.md");

    void check(List<Outcome> outcomes) throws IOException {
        String row = "| %s | %s |"
                .formatted(
                        client,
                        outcomes.stream()
                                .map(outcome -> outcome instanceof Outcome.Done ? "✓" : "–")
                                .collect(Collectors.joining(" | ")));
        List<String> limits = outcomes.stream()
                .filter(Outcome.Cannot.class::isInstance)
                .map(Outcome.Cannot.class::cast)
                .map(cannot -> "- %s, %s: %s".formatted(client, cannot.job().words(), cannot.reason()))
                .toList();
        List<String> page = new ArrayList<>(Files.readAllLines(FILE));
        if (System.getenv("UPDATE_GOLDEN") != null) {
            int last = IntStream.range(0, page.size())
                    .filter(each -> page.get(each).startsWith("|"))
                    .max()
                    .orElseThrow();
            int at = index(page, rowStart());
            if (at < 0) {
                page.add(last + 1, row);
            } else {
                page.set(at, row);
            }
            int below = index(page, limitStart());
            page.removeIf(line -> line.startsWith(limitStart()));
            page.addAll(below < 0 ? page.size() : below, limits);
            Files.write(FILE, page);
        }
        assertThat(page.stream().filter(line -> line.startsWith(rowStart())))
                .as("the row of %s in docs/clients.md: UPDATE_GOLDEN=1 writes it", client)
                .containsExactly(row);
        assertThat(page.stream().filter(line -> line.startsWith(limitStart()))).isEqualTo(limits);
    }

    private String rowStart() {
        return "| " + client + " |";
    }

    private String limitStart() {
        return "- " + client + ", ";
    }

    private static int index(List<String> page, String start) {
        for (int at = 0; at < page.size(); at++) {
            if (page.get(at).startsWith(start)) {
                return at;
            }
        }
        return -1;
    }
}
