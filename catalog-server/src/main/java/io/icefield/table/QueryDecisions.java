package io.icefield.table;

import io.icefield.access.Access;
import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Trail;
import io.icefield.domain.Domains;
import io.icefield.policy.Restrictions;
import io.icefield.storage.DomainName;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// May this user of a trusted query engine do this? The questions are Trino's, in the words of its OPA plugin; what is
/// not
/// listed here is denied. The answers are those of the doors that REST goes through.
public final class QueryDecisions {
    /// Catalogs of the engine itself that anybody may read: the engine's own views on metadata, and generated test
    /// data.
    private static final Set<String> OPEN_CATALOGS = Set.of("system", "tpch");

    /// Metadata tables without values of columns in them.
    private static final Set<String> HARMLESS_METADATA = Set.of("history", "snapshots", "refs", "metadata_log_entries");

    private final Domains domains;
    private final Namespaces namespaces;
    private final Tables tables;
    private final Views views;
    private final Restricted restricted;
    private final MetadataSource files;
    private final RenameTable renaming;
    private final CreateView newViews;

    public QueryDecisions(
            Domains domains,
            Namespaces namespaces,
            Tables tables,
            Views views,
            Restricted restricted,
            MetadataSource files,
            RenameTable renaming,
            CreateView newViews) {
        this.domains = domains;
        this.namespaces = namespaces;
        this.tables = tables;
        this.views = views;
        this.restricted = restricted;
        this.files = files;
        this.renaming = renaming;
        this.newViews = newViews;
    }

    /// What a question is about.
    public sealed interface Target {
        /// The engine itself.
        record Nothing() implements Target {}

        /// A catalog, which is a domain.
        record Catalog(String name) implements Target {}

        /// A schema, which is a namespace; levels are joined by dots.
        record Schema(String catalog, String schema) implements Target {}

        /// A table, a view, or with a `$` a metadata table.
        record Relation(String catalog, String schema, String table, List<String> columns) implements Target {
            public Relation {
                columns = List.copyOf(columns);
            }
        }

        /// A function or procedure.
        record Function(String catalog, String schema, String name) implements Target {}

        /// A user of the engine.
        record User(String name) implements Target {}

        /// Anything we do not know.
        record Other() implements Target {}
    }

    /// Throws `PolicyBroken` for a name that the policies refuse: the engine would keep the reasons to itself when the
    /// catalog told it later.
    public boolean allow(Principal engine, Principal user, String operation, Target target) {
        checkEngine(engine);
        try {
            return switch (target) {
                case Target.Nothing _ -> onEngine(user, operation);
                case Target.User(String name) -> onUser(user, operation, name);
                case Target.Catalog(String name) -> onCatalog(user, operation, name);
                case Target.Schema schema -> onSchema(user, operation, schema);
                case Target.Relation relation -> onRelation(user, operation, relation);
                case Target.Function function -> onFunction(user, operation, function);
                case Target.Other _ -> false;
            };
        } catch (Refusal.NotFound | Refusal.NotAllowed | Refusal.Invalid e) {
            Trail.current().refused(e);
            return false;
        }
    }

    /// The same for giving a table another name.
    public boolean allowRename(Principal engine, Principal user, Target.Relation from, Target.Relation to) {
        checkEngine(engine);
        try {
            renaming.check(user, table(from), table(to));
            return true;
        } catch (Refusal.NotFound | Refusal.NotAllowed | Refusal.Invalid e) {
            Trail.current().refused(e);
            return false;
        }
    }

    /// Masks and filters for one user of one table; nothing for views and for tables that are not of a domain.
    public Restrictions restrictions(Principal engine, Principal user, Target.Relation relation) {
        checkEngine(engine);
        if (OPEN_CATALOGS.contains(relation.catalog()) || relation.schema().equals("information_schema")) {
            return Restrictions.NONE;
        }
        TableStore.Seen seen = views.relation(user, Action.READ, table(relation));
        if (relation.table().indexOf('$') >= 0) {
            return Restrictions.NONE; // it has columns of its own, and `maySelect` opens it or does not
        }
        return restrictions(user, seen);
    }

    /// A view shows what its tables show to this user: nothing is masked twice.
    private Restrictions restrictions(Principal user, TableStore.Seen seen) {
        return switch (seen.table().kind()) {
            case TABLE -> restricted.of(user, seen, files.of(seen.table()));
            case VIEW -> Restrictions.NONE;
        };
    }

    private static void checkEngine(Principal engine) {
        if (engine.kind() != Principal.Kind.ENGINE) {
            throw new Refusal.NotAllowed("`%s` is no query engine: only engines may ask for decisions about others"
                    .formatted(engine.name()));
        }
    }

    private static boolean onEngine(Principal user, String operation) {
        return switch (operation) {
            case "ExecuteQuery", "SetSystemSessionProperty" -> true;
            case "ReadSystemInformation" -> user.isPlatform();
            default -> false;
        };
    }

    private static boolean onUser(Principal user, String operation, String other) {
        return switch (operation) {
            case "ViewQueryOwnedBy", "FilterViewQueryOwnedBy", "KillQueryOwnedBy" ->
                user.name().equals(other) || user.isPlatform();
            default -> false; // nobody is somebody else
        };
    }

    private boolean onCatalog(Principal user, String operation, String name) {
        return switch (operation) {
            case "AccessCatalog", "FilterCatalogs", "ShowSchemas" -> OPEN_CATALOGS.contains(name) || sees(user, name);
            case "CreateCatalog", "DropCatalog" -> user.kind() == Principal.Kind.ENGINE; // that is us
            default -> false;
        };
    }

    private boolean onSchema(Principal user, String operation, Target.Schema schema) {
        if (OPEN_CATALOGS.contains(schema.catalog())) {
            return Set.of("FilterSchemas", "ShowTables", "ShowFunctions", "ShowCreateSchema")
                    .contains(operation);
        }
        if (schema.schema().equals("information_schema")) {
            return Set.of("FilterSchemas", "ShowTables").contains(operation) && sees(user, schema.catalog());
        }
        NamespaceId name = namespace(schema.catalog(), schema.schema());
        return switch (operation) {
            case "FilterSchemas", "ShowTables", "ShowCreateSchema" -> may(user, Action.SEE, name);
            case "CreateSchema" -> namespaces.check(user, name, Map.of()) != null;
            case "DropSchema" -> may(user, Action.DROP, name);
            default -> false;
        };
    }

    private boolean onRelation(Principal user, String operation, Target.Relation relation) {
        if (OPEN_CATALOGS.contains(relation.catalog()) || relation.schema().equals("information_schema")) {
            return Set.of("SelectFromColumns", "FilterTables", "ShowColumns", "FilterColumns", "ShowCreateTable")
                            .contains(operation)
                    && (OPEN_CATALOGS.contains(relation.catalog()) || sees(user, relation.catalog()));
        }
        return switch (operation) {
            case "FilterTables", "ShowColumns", "FilterColumns", "ShowCreateTable" ->
                views.relation(user, Action.SEE, table(relation)) != null;
            case "SelectFromColumns" -> maySelect(user, relation);
            case "InsertIntoTable",
                    "DeleteFromTable",
                    "UpdateTableColumns",
                    "TruncateTable",
                    "AddColumn",
                    "AlterColumn",
                    "DropColumn",
                    "RenameColumn",
                    "SetTableProperties",
                    "SetTableComment",
                    "ExecuteTableProcedure" -> tables.get(user, Action.COMMIT, table(relation)) != null;
            case "SetColumnComment" -> views.relation(user, Action.COMMIT, table(relation)) != null;
            case "SetViewComment" -> views.get(user, Action.COMMIT, table(relation)) != null;
            case "CreateView" -> {
                newViews.check(user, table(relation)); // Trino does not show why the catalog refuses a view
                yield true;
            }
            case "CreateTable" -> may(user, Action.CREATE, namespace(relation.catalog(), relation.schema()));
            case "DropView", "RenameView" -> views.get(user, Action.DROP, table(relation)) != null;
            case "DropTable", "RenameTable" -> tables.get(user, Action.DROP, table(relation)) != null;
            // Also `CreateViewWithSelectFromColumns`: it asks whether a view may show its owner's data to others.
            default -> false;
        };
    }

    /// Bounds of columns leak what masks and filters hide, so metadata tables with values are for those who see all.
    private boolean maySelect(Principal user, Target.Relation relation) {
        TableStore.Seen seen = views.relation(user, Action.READ, table(relation));
        int dollar = relation.table().indexOf('$');
        boolean raw = (dollar >= 0 && !isHarmless(relation.table().substring(dollar + 1), seen))
                || relation.columns().contains("_change_type");
        return !raw || restrictions(user, seen).none();
    }

    private boolean isHarmless(String metadataTable, TableStore.Seen seen) {
        return HARMLESS_METADATA.contains(metadataTable)
                && !(metadataTable.equals("snapshots")
                        && seen.table().kind() == Table.Kind.TABLE
                        && restricted.tellsPartitions(files.of(seen.table())));
    }

    /// Procedures of a domain write, and `table_changes` reads past masks and filters: for those who may do all that
    /// anyway.
    private boolean onFunction(Principal user, String operation, Target.Function function) {
        return switch (operation) {
            case "FilterFunctions" -> true;
            case "ExecuteFunction", "ExecuteProcedure" ->
                OPEN_CATALOGS.contains(function.catalog())
                        ? operation.equals("ExecuteFunction")
                        : domains.get(user, Action.COMMIT, domain(function.catalog())) != null
                                && !user.groups().contains(Principal.PLATFORM_GROUP);
            default -> false;
        };
    }

    private boolean sees(Principal user, String catalog) {
        return Access.allows(
                user, domains.get(user, Action.SEE, domain(catalog)).sight(), Action.SEE);
    }

    private boolean may(Principal user, Action action, NamespaceId name) {
        return Access.allows(user, namespaces.get(user, action, name).sight(), action);
    }

    private static DomainName domain(String catalog) {
        return Refusal.parse(DomainName::new, catalog);
    }

    private static NamespaceId namespace(String catalog, String schema) {
        return Refusal.parse(text -> new NamespaceId(domain(catalog), List.of(text.split("\\.", -1))), schema);
    }

    private static TableId table(Target.Relation relation) {
        int dollar = relation.table().indexOf('$');
        String name = dollar < 0 ? relation.table() : relation.table().substring(0, dollar);
        NamespaceId namespace = namespace(relation.catalog(), relation.schema());
        return Refusal.parse(text -> new TableId(namespace, text), name);
    }
}
