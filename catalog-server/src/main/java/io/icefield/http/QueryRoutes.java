package io.icefield.http;

import static io.icefield.http.Json.object;

import io.icefield.access.Principal;
import io.icefield.access.Principals;
import io.icefield.access.Refusal;
import io.icefield.access.Trail;
import io.icefield.policy.Mask;
import io.icefield.policy.Restrictions;
import io.icefield.table.QueryDecisions;
import io.icefield.table.QueryDecisions.Target;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;

/// A query engine's questions, in the words of Trino's OPA plugin: only engines may ask.
final class QueryRoutes {
    /// One question about all tables of a large schema.
    private static final int BODY_BYTES_MAX = 16 << 20;

    private static final System.Logger LOG = System.getLogger(QueryRoutes.class.getName());

    private final Principals principals;
    private final QueryDecisions decisions;
    private final Dialect dialect;

    QueryRoutes(UseCases use, Dialect dialect) {
        this.principals = use.principals();
        this.decisions = use.queryDecisions();
        this.dialect = dialect;
    }

    List<Route> routes() {
        return List.of(
                Route.post("/opa/v1/allow", this::allow, Needs.ENGINE)
                        .limit(BODY_BYTES_MAX)
                        .reads(),
                Route.post("/opa/v1/batch", this::batch, Needs.ENGINE)
                        .limit(BODY_BYTES_MAX)
                        .reads(),
                Route.post("/opa/v1/row-filters", this::rowFilters, Needs.ENGINE)
                        .limit(BODY_BYTES_MAX)
                        .reads(),
                Route.post("/opa/v1/column-masks", this::columnMasks, Needs.ENGINE)
                        .limit(BODY_BYTES_MAX)
                        .reads());
    }

    /// Who wants to do what.
    ///
    /// @param query the engine's name for its query; made up where it gives none, so that it fits no other question
    private record Question(Principal user, String query, String operation, Fields action) {}

    private Question question(Call call) {
        Fields input = call.json().object("input");
        Fields context = input.object("context");
        Fields identity = context.object("identity");
        Set<String> groups = new HashSet<>(identity.optionalTexts("groups").orElse(List.of()));
        Principal user = Refusal.parse(name -> principals.known(name, groups), identity.text("user"));
        Fields action = input.object("action");
        Optional<String> query = context.optionalText("queryId");
        String operation = action.text("operation");
        Trail trail = Trail.current();
        trail.by(user);
        // What an engine may list is asked for again and again, and is the same for all queries.
        trail.asked(call.who(), operation, operation.startsWith("Filter") ? "" : query.orElse(""));
        return new Question(user, query.orElseGet(() -> UUID.randomUUID().toString()), operation, action);
    }

    private Answer allow(Call call) {
        Question question = question(call);
        Target target = target(question.action().optionalObject("resource"));
        tell(target);
        boolean allowed = decisions.allow(call.who(), question.user(), question.operation(), target)
                && mayMove(call.who(), question, target);
        if (!allowed) {
            Trail.current().denied();
        }
        return result(allowed);
    }

    /// For the log of decisions.
    private static void tell(Target target) {
        Trail trail = Trail.current();
        switch (target) {
            case Target.Nothing _, Target.Other _ -> {}
            case Target.User(String name) -> trail.about("", name);
            case Target.Catalog(String name) -> trail.about(name, name);
            case Target.Schema(String catalog, String schema) -> trail.about(catalog, catalog + "." + schema);
            case Target.Relation relation -> {
                trail.about(
                        relation.catalog(), String.join(".", relation.catalog(), relation.schema(), relation.table()));
                if (!relation.columns().isEmpty()) {
                    trail.how("columns " + String.join(", ", relation.columns()));
                }
            }
            case Target.Function(String catalog, String schema, String name) ->
                trail.about(catalog, String.join(".", catalog, schema, name));
        }
    }

    /// Of what is listed: where it is.
    private static void tellPlace(List<Fields> resources) {
        if (resources.isEmpty()) {
            return;
        }
        tell(
                switch (target(Optional.of(resources.getFirst()))) {
                    case Target.Relation relation
                    when resources.size() > 1 -> new Target.Schema(relation.catalog(), relation.schema());
                    case Target.Relation relation ->
                        new Target.Relation(relation.catalog(), relation.schema(), relation.table(), List.of());
                    case Target.Schema schema -> new Target.Catalog(schema.catalog());
                    case Target.Function function -> new Target.Schema(function.catalog(), function.schema());
                    case Target.Catalog _, Target.User _, Target.Nothing _, Target.Other _ -> new Target.Nothing();
                });
    }

    /// Who renames something also makes something of the new name.
    private boolean mayMove(Principal engine, Question question, Target from) {
        Optional<Fields> to = question.action().optionalObject("targetResource");
        if (to.isEmpty()) {
            return true;
        }
        if (from instanceof Target.Relation table
                && target(to) instanceof Target.Relation renamed
                && question.operation().equals("RenameTable")) {
            return decisions.allowRename(engine, question.user(), table, renamed);
        }
        String operation = switch (question.operation()) {
            case "RenameSchema" -> "CreateSchema";
            case "RenameView" -> "CreateView";
            case "RenameMaterializedView" -> "CreateMaterializedView";
            default -> question.operation();
        };
        return decisions.allow(engine, question.user(), operation, target(to));
    }

    private Answer batch(Call call) {
        Question question = question(call);
        List<Fields> resources = question.action().objects("filterResources");
        tellPlace(resources);
        if (question.operation().equals("FilterColumns")) {
            return result(columns(call.who(), question, resources));
        }
        return result(IntStream.range(0, resources.size())
                .filter(i -> decisions.allow(
                        call.who(), question.user(), question.operation(), target(Optional.of(resources.get(i)))))
                .boxed()
                .toList());
    }

    /// One table with many columns; the answer numbers the columns, not the resources.
    private List<Integer> columns(Principal engine, Question question, List<Fields> resources) {
        if (resources.size() != 1 || !(target(Optional.of(resources.getFirst())) instanceof Target.Relation relation)) {
            throw new Refusal.Invalid("`FilterColumns` asks about the columns of one table");
        }
        if (decisions.allow(engine, question.user(), question.operation(), relation)) {
            return IntStream.range(0, relation.columns().size()).boxed().toList();
        }
        return IntStream.range(0, relation.columns().size())
                .filter(i -> decisions.allow(
                        engine,
                        question.user(),
                        question.operation(),
                        new Target.Relation(
                                relation.catalog(),
                                relation.schema(),
                                relation.table(),
                                List.of(relation.columns().get(i)))))
                .boxed()
                .toList();
    }

    private Answer rowFilters(Call call) {
        Question question = question(call);
        Target.Relation table = relation(question.action().object("resource").object("table"));
        tell(table);
        Restrictions restrictions = decisions.restrictions(call.who(), question.user(), table);
        return result(restrictions.filters().stream()
                .map(filter -> object("expression", predicate(filter)))
                .toList());
    }

    /// A policy that cannot be evaluated refuses.
    private String predicate(Restrictions.RowFilter filter) {
        try {
            return dialect.predicate(filter);
        } catch (IllegalArgumentException e) {
            LOG.log(System.Logger.Level.WARNING, "a row filter does not fit its table", e);
            throw new Refusal.NotAllowed(
                    "the row filter on column `%s` does not fit the column's type `%s`: ask the platform team to mend the policy"
                            .formatted(filter.column(), filter.type()));
        }
    }

    private Answer columnMasks(Call call) {
        Question question = question(call);
        List<Fields> resources = question.action().objects("filterResources");
        Map<Target.Relation, Restrictions> asked = new HashMap<>();
        List<Map<String, Object>> masks = new ArrayList<>();
        for (int i = 0; i < resources.size(); i++) {
            Fields column = resources.get(i).object("column");
            Restrictions restrictions = asked.computeIfAbsent(relation(column), table -> {
                tell(table);
                return decisions.restrictions(call.who(), question.user(), table);
            });
            String name = column.text("columnName");
            String type = column.text("columnType");
            Optional<Mask> mask = mask(restrictions, name);
            if (mask.isPresent()) {
                String expression = dialect.masked(mask.get(), name, type, question.query());
                masks.add(object("index", i, "viewExpression", object("expression", expression)));
            }
        }
        return result(masks);
    }

    /// The engine knows columns in lower case, and masks whole columns: a mask inside one hides all of it. The engine's
    /// own columns (`$path`, `$partition` …) tell of values, so any mask hides them.
    private static Optional<Mask> mask(Restrictions restrictions, String column) {
        String name = column.toLowerCase(Locale.ROOT);
        Optional<Mask> mask = Optional.empty();
        for (Map.Entry<String, Mask> each : restrictions.masks().entrySet()) {
            String path = each.getKey().toLowerCase(Locale.ROOT);
            if (name.startsWith("$") || path.startsWith(name + ".")) {
                return Optional.of(Mask.REPLACE_WITH_NULL);
            }
            if (path.equals(name)) {
                Mask found = each.getValue();
                mask = Optional.of(mask.map(found::stricter).orElse(found));
            }
        }
        return mask;
    }

    private static Answer result(Object result) {
        return Answer.json(200, object("result", result));
    }

    // --- Resources

    private static Target target(Optional<Fields> resource) {
        if (resource.isEmpty()) {
            return new Target.Nothing();
        }
        Fields what = resource.get();
        return what.optionalObject("table")
                .<Target>map(QueryRoutes::relation)
                .or(() -> what.optionalObject("schema")
                        .map(schema -> new Target.Schema(schema.text("catalogName"), schema.text("schemaName"))))
                .or(() -> what.optionalObject("catalog").map(catalog -> new Target.Catalog(catalog.text("name"))))
                .or(() -> what.optionalObject("function").map(QueryRoutes::function))
                .or(() -> what.optionalObject("systemSessionProperty").map(_ -> new Target.Nothing()))
                .or(() -> what.optionalObject("user").map(user -> new Target.User(user.text("user"))))
                .orElse(new Target.Other());
    }

    private static Target.Relation relation(Fields table) {
        return new Target.Relation(
                table.text("catalogName"),
                table.text("schemaName"),
                table.text("tableName"),
                table.optionalTexts("columns").orElse(List.of()));
    }

    private static Target function(Fields function) {
        return new Target.Function(
                function.optionalText("catalogName").orElse(""),
                function.optionalText("schemaName").orElse(""),
                function.text("functionName"));
    }
}
