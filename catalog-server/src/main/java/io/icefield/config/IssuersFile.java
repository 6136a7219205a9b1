package io.icefield.config;

import io.icefield.access.Issuer;
import io.icefield.policy.file.Form;
import io.icefield.policy.file.Node;
import io.icefield.policy.file.Node.Text;
import io.icefield.policy.file.PolicyFiles;
import io.icefield.policy.file.Problems;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The file of OpenID Connect providers, YAML or JSON: a mapping with a list of `issuers`. All that is wrong is said at
/// once, with its place.
public final class IssuersFile {
    /// The `iss` of our own tokens.
    private static final String OURSELVES = "icefield";

    private static final List<String> USUAL_ALGORITHMS = List.of("RS256", "ES256");

    private final Problems problems = new Problems();
    private final List<Issuer> issuers = new ArrayList<>();

    private IssuersFile() {}

    /// Throws `PolicyFileException`.
    public static List<Issuer> read(Path file) {
        IssuersFile reader = new IssuersFile();
        List<Node> documents = PolicyFiles.documents(file, reader.problems);
        documents.forEach(reader::document);
        if (documents.size() != 1) {
            reader.problems.add(file.toString(), "there must be one document with `issuers`");
        }
        reader.problems.throwIfAny();
        return List.copyOf(reader.issuers);
    }

    private void document(Node document) {
        Form top = new Form(document, "", problems);
        Optional<Node> list = top.field("issuers").map(Node.Field::value);
        top.closed();
        if (list.isEmpty()) {
            top.missing("issuers");
        } else if (list.get() instanceof Node.Items items) {
            items.items().forEach(this::issuer);
        } else {
            problems.add(
                    list.get().at(),
                    "`issuers` must be a list, not " + list.get().kind());
        }
    }

    private void issuer(Node node) {
        int before = problems.count();
        Form form = new Form(node, "issuers[%d]".formatted(issuers.size()), problems);
        Optional<Text> name = form.requiredText("issuer");
        if (form.field("audience").isEmpty()) {
            form.missing("audience");
        }
        List<String> audiences = form.strings("audience");
        Optional<Text> keys = form.text("jwks-uri");
        List<Text> algorithms = form.texts("algorithms");
        String user = form.text("user-claim").map(Text::text).orElse("sub");
        String groups = form.text("groups-claim").map(Text::text).orElse("groups");
        Optional<Text> prefix = form.requiredText("prefix");
        form.closed();
        name.ifPresent(text -> address(text, "issuer"));
        keys.ifPresent(text -> address(text, "jwks-uri"));
        name.filter(text -> text.text().equals(OURSELVES))
                .ifPresent(text -> problems.add(text.at(), "`icefield` is the issuer of our own tokens"));
        prefix.filter(text -> !Issuer.PREFIX.matcher(text.text()).matches())
                .ifPresent(text -> problems.add(
                        text.at(),
                        "%s is no prefix: use 2 to 31 letters, digits and `_.@-`, the last one of `_.@-`"
                                .formatted(Problems.quote(text.text()))));
        algorithms.stream()
                .filter(text -> !Issuer.ALGORITHMS.contains(text.text()))
                .forEach(text -> problems.add(
                        text.at(),
                        "%s is no algorithm: there are %s".formatted(Problems.quote(text.text()), Issuer.ALGORITHMS)));
        if (problems.count() > before) {
            return;
        }
        Set<String> signed = new HashSet<>(
                algorithms.isEmpty()
                        ? USUAL_ALGORITHMS
                        : algorithms.stream().map(Text::text).toList());
        Issuer issuer = new Issuer(
                name.orElseThrow().text(),
                Set.copyOf(new HashSet<>(audiences)),
                keys.map(text -> URI.create(text.text())),
                signed,
                user,
                groups,
                prefix.orElseThrow().text());
        distinct(issuer, name.orElseThrow(), prefix.orElseThrow());
        issuers.add(issuer);
    }

    private void address(Text text, String field) {
        try {
            URI _ = Issuer.checked(URI.create(text.text()));
        } catch (IllegalArgumentException e) {
            problems.add(
                    text.at(),
                    "`%s` must be `https://…`, or `http://…` on this machine, not %s"
                            .formatted(field, Problems.quote(text.text())));
        }
    }

    private void distinct(Issuer issuer, Text name, Text prefix) {
        for (Issuer other : issuers) {
            if (other.name().equals(issuer.name())) {
                problems.add(name.at(), "issuer %s is there twice".formatted(Problems.quote(issuer.name())));
            }
            if (other.overlaps(issuer)) {
                problems.add(
                        prefix.at(),
                        "prefix %s and %s, of another issuer, begin alike: a name could be of either"
                                .formatted(Problems.quote(issuer.prefix()), Problems.quote(other.prefix())));
            }
        }
    }
}
