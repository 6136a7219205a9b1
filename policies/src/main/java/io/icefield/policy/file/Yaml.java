package io.icefield.policy.file;

import io.icefield.policy.file.Node.Field;
import io.icefield.policy.file.Node.Fields;
import io.icefield.policy.file.Node.Items;
import io.icefield.policy.file.Node.Position;
import io.icefield.policy.file.Node.Text;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.MappingStartEvent;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.events.SequenceStartEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/// Reads the YAML that policies need and nothing more: no anchors, no aliases, no tags, so that a document is as big
/// as it looks. Reads events lazily and stops at the first thing that makes the rest unreadable.
final class Yaml {
    /// Lists and mappings inside each other.
    static final int NESTING_MAX = 16;

    private static final LoadSettings SETTINGS = LoadSettings.builder().build();

    private final String file;
    private final Iterator<Event> events;
    private final Problems problems;

    private Yaml(String file, String text, Problems problems) {
        this.file = file;
        this.events = new Parse(SETTINGS).parseString(text).iterator();
        this.problems = problems;
    }

    /// The documents of a file, empty ones left out. What is wrong with it goes to the problems.
    static List<Node> documents(String file, String text, Problems problems) {
        List<Node> documents = new ArrayList<>();
        try {
            Yaml yaml = new Yaml(file, text, problems);
            while (yaml.events.hasNext()) {
                Event event = yaml.events.next();
                if (event instanceof NodeEvent node) {
                    Node document = yaml.node(node, 0);
                    if (!(document instanceof Text scalar && scalar.isNull())) {
                        documents.add(document);
                    }
                }
            }
        } catch (TooDeep deep) {
            problems.add(deep.at, "lists and mappings are nested deeper than " + NESTING_MAX + " levels");
        } catch (MarkedYamlEngineException wrong) {
            Position at =
                    wrong.getProblemMark().map(mark -> position(file, mark)).orElseGet(() -> new Position(file, 1, 1));
            problems.add(at, "this is no YAML: " + tidy(wrong.getProblem()));
        } catch (ReaderException wrong) {
            problems.add(
                    at(file, text, wrong.getPosition()),
                    "this is no YAML: the character U+%04X is not allowed".formatted(wrong.getCodePoint()));
        } catch (YamlEngineException wrong) {
            problems.add(new Position(file, 1, 1), "this is no YAML: " + tidy(String.valueOf(wrong.getMessage())));
        }
        return documents;
    }

    private Node node(NodeEvent event, int depth) {
        Position at = position(file, event.getStartMark());
        if (event instanceof AliasEvent) {
            problems.add(at, "aliases (`*name`) are not allowed: write the value where it is used");
            return new Text(at, "", false, false);
        }
        if (event.getAnchor().isPresent()) {
            problems.add(at, "anchors (`&name`) are not allowed: write the value where it is used");
        }
        return switch (event) {
            case ScalarEvent scalar -> {
                scalar.getTag().ifPresent(tag -> refuseTag(at));
                boolean quoted = scalar.isSQuoted() || scalar.isDQuoted();
                yield new Text(at, scalar.getValue(), quoted, scalar.isPlain());
            }
            case SequenceStartEvent list -> {
                list.getTag().ifPresent(tag -> refuseTag(at));
                yield items(at, depth);
            }
            case MappingStartEvent mapping -> {
                mapping.getTag().ifPresent(tag -> refuseTag(at));
                yield fields(at, depth);
            }
            default -> throw new IllegalStateException("unknown YAML event " + event.getEventId());
        };
    }

    private void refuseTag(Position at) {
        problems.add(at, "type tags (`!name`) are not allowed");
    }

    private Items items(Position at, int depth) {
        checkDepth(at, depth);
        List<Node> items = new ArrayList<>();
        for (Event next = events.next(); next instanceof NodeEvent node; next = events.next()) {
            items.add(node(node, depth + 1));
        }
        return new Items(at, items);
    }

    private Fields fields(Position at, int depth) {
        checkDepth(at, depth);
        LinkedHashMap<String, Field> fields = new LinkedHashMap<>();
        for (Event next = events.next(); next instanceof NodeEvent key; next = events.next()) {
            Position keyAt = position(file, key.getStartMark());
            Node name = node(key, depth + 1);
            Node value = node((NodeEvent) events.next(), depth + 1);
            if (!(name instanceof Text text)) {
                problems.add(keyAt, "a field's name must be text, not " + name.kind());
            } else if (fields.containsKey(text.text())) {
                Position first = fields.get(text.text()).at();
                problems.add(
                        keyAt,
                        "field %s is given twice; the first is in line %d"
                                .formatted(Problems.quote(text.text()), first.line()));
            } else {
                fields.put(text.text(), new Field(keyAt, value));
            }
        }
        return new Fields(at, fields);
    }

    private static void checkDepth(Position at, int depth) {
        if (depth >= NESTING_MAX) {
            throw new TooDeep(at);
        }
    }

    private static Position position(String file, Optional<Mark> mark) {
        return mark.map(there -> position(file, there)).orElseGet(() -> new Position(file, 1, 1));
    }

    private static Position position(String file, Mark mark) {
        return new Position(file, mark.getLine() + 1, mark.getColumn() + 1);
    }

    private static Position at(String file, String text, int index) {
        int end = Math.clamp(index, 0, text.length());
        String before =
                text.substring(0, text.offsetByCodePoints(0, Math.min(end, text.codePointCount(0, text.length()))));
        int line = (int) before.chars().filter(c -> c == '\n').count() + 1;
        int start = before.lastIndexOf('\n') + 1;
        return new Position(file, line, before.codePointCount(start, before.length()) + 1);
    }

    /// The parser's message on one line, safe to print.
    private static String tidy(String message) {
        String line = message.lines().findFirst().orElse("");
        return line.length() > 200 ? line.substring(0, 200) + "…" : line;
    }

    private static final class TooDeep extends RuntimeException {
        private static final long serialVersionUID = 1;

        private final transient Position at;

        TooDeep(Position at) {
            super("nested too deep", null, false, false);
            this.at = at;
        }
    }
}
