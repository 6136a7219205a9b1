package io.icefield.query.plugin;

import static io.icefield.query.plugin.Json.object;

import io.trino.spi.QueryId;
import io.trino.spi.connector.CatalogSchemaName;
import io.trino.spi.connector.CatalogSchemaRoutineName;
import io.trino.spi.connector.CatalogSchemaTableName;
import io.trino.spi.connector.ColumnSchema;
import io.trino.spi.connector.SchemaTableName;
import io.trino.spi.function.SchemaFunctionName;
import io.trino.spi.security.AccessDeniedException;
import io.trino.spi.security.Identity;
import io.trino.spi.security.SystemAccessControl;
import io.trino.spi.security.SystemSecurityContext;
import io.trino.spi.security.ViewExpression;
import java.math.BigDecimal;
import java.security.Principal;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Lets the catalog server decide everything, in the words of Trino's own OPA plugin. No decision is cached: what is
/// revoked is revoked for the next query. Without an answer everything is denied. Operations that have no name in
/// that protocol (roles, privileges, ownership, branches) keep the SPI's default, which denies.
final class CatalogAccessControl implements SystemAccessControl {
    private static final int QUESTIONS_AT_ONCE_MAX = 16;

    private final CatalogClient catalog;
    private final String trinoVersion;

    CatalogAccessControl(CatalogClient catalog, String trinoVersion) {
        this.catalog = catalog;
        this.trinoVersion = trinoVersion;
    }

    // --- Users and queries

    @Override
    @SuppressWarnings("deprecation") // Trino still calls it and denies by default
    public void checkCanSetUser(Optional<Principal> principal, String userName) {
        // Who the user is was proven by authentication; acting as somebody else is `ImpersonateUser`.
    }

    @Override
    public void checkCanImpersonateUser(Identity identity, String userName) {
        if (!allows(identity, "ImpersonateUser", object("user", object("user", userName)))) {
            AccessDeniedException.denyImpersonateUser(identity.getUser(), userName);
        }
    }

    @Override
    public void checkCanExecuteQuery(Identity identity, QueryId queryId) {
        if (!allows(identity, "ExecuteQuery", Map.of())) {
            AccessDeniedException.denyExecuteQuery();
        }
    }

    @Override
    public void checkCanViewQueryOwnedBy(Identity identity, Identity queryOwner) {
        if (!allows(identity, "ViewQueryOwnedBy", object("user", user(queryOwner)))) {
            AccessDeniedException.denyViewQuery();
        }
    }

    @Override
    public Collection<Identity> filterViewQueryOwnedBy(Identity identity, Collection<Identity> queryOwners) {
        return filter(identity, "FilterViewQueryOwnedBy", queryOwners, owner -> object("user", user(owner)));
    }

    @Override
    public void checkCanKillQueryOwnedBy(Identity identity, Identity queryOwner) {
        if (!allows(identity, "KillQueryOwnedBy", object("user", user(queryOwner)))) {
            AccessDeniedException.denyKillQuery();
        }
    }

    @Override
    public void checkCanReadSystemInformation(Identity identity) {
        if (!allows(identity, "ReadSystemInformation", Map.of())) {
            AccessDeniedException.denyReadSystemInformationAccess();
        }
    }

    @Override
    public void checkCanWriteSystemInformation(Identity identity) {
        if (!allows(identity, "WriteSystemInformation", Map.of())) {
            AccessDeniedException.denyWriteSystemInformationAccess();
        }
    }

    @Override
    public void checkCanSetSystemSessionProperty(Identity identity, QueryId queryId, String propertyName) {
        if (!allows(
                identity, "SetSystemSessionProperty", object("systemSessionProperty", object("name", propertyName)))) {
            AccessDeniedException.denySetSystemSessionProperty(propertyName);
        }
    }

    // --- Catalogs

    @Override
    public boolean canAccessCatalog(SystemSecurityContext context, String catalogName) {
        return allows(context, "AccessCatalog", catalog(catalogName));
    }

    @Override
    public void checkCanCreateCatalog(SystemSecurityContext context, String catalogName) {
        if (!allows(context, "CreateCatalog", catalog(catalogName))) {
            AccessDeniedException.denyCreateCatalog(catalogName);
        }
    }

    @Override
    public void checkCanDropCatalog(SystemSecurityContext context, String catalogName) {
        if (!allows(context, "DropCatalog", catalog(catalogName))) {
            AccessDeniedException.denyDropCatalog(catalogName);
        }
    }

    @Override
    public Set<String> filterCatalogs(SystemSecurityContext context, Set<String> catalogs) {
        return filter(context.getIdentity(), "FilterCatalogs", catalogs, CatalogAccessControl::catalog);
    }

    @Override
    public void checkCanSetCatalogSessionProperty(
            SystemSecurityContext context, String catalogName, String propertyName) {
        Map<String, Object> property = object("catalogName", catalogName, "propertyName", propertyName);
        if (!allows(context, "SetCatalogSessionProperty", object("catalogSessionProperty", property))) {
            AccessDeniedException.denySetCatalogSessionProperty(catalogName, propertyName);
        }
    }

    // --- Schemas

    @Override
    public void checkCanCreateSchema(
            SystemSecurityContext context, CatalogSchemaName schema, Map<String, Object> properties) {
        Map<String, Object> resource = schemaOf(schema);
        resource.put("properties", plain(properties));
        if (!allows(context, "CreateSchema", object("schema", resource))) {
            AccessDeniedException.denyCreateSchema(schema.toString());
        }
    }

    @Override
    public void checkCanDropSchema(SystemSecurityContext context, CatalogSchemaName schema) {
        if (!allows(context, "DropSchema", object("schema", schemaOf(schema)))) {
            AccessDeniedException.denyDropSchema(schema.toString());
        }
    }

    @Override
    public void checkCanRenameSchema(SystemSecurityContext context, CatalogSchemaName schema, String newSchemaName) {
        CatalogSchemaName renamed = new CatalogSchemaName(schema.getCatalogName(), newSchemaName);
        if (!allowsRename(context, "RenameSchema", object("schema", schemaOf(schema)), "schema", schemaOf(renamed))) {
            AccessDeniedException.denyRenameSchema(schema.toString(), newSchemaName);
        }
    }

    @Override
    public void checkCanShowSchemas(SystemSecurityContext context, String catalogName) {
        if (!allows(context, "ShowSchemas", catalog(catalogName))) {
            AccessDeniedException.denyShowSchemas();
        }
    }

    @Override
    public Set<String> filterSchemas(SystemSecurityContext context, String catalogName, Set<String> schemaNames) {
        return filter(
                context.getIdentity(),
                "FilterSchemas",
                schemaNames,
                name -> object("schema", schemaOf(new CatalogSchemaName(catalogName, name))));
    }

    @Override
    public void checkCanShowCreateSchema(SystemSecurityContext context, CatalogSchemaName schema) {
        if (!allows(context, "ShowCreateSchema", object("schema", schemaOf(schema)))) {
            AccessDeniedException.denyShowCreateSchema(schema.toString());
        }
    }

    @Override
    public void checkCanShowTables(SystemSecurityContext context, CatalogSchemaName schema) {
        if (!allows(context, "ShowTables", object("schema", schemaOf(schema)))) {
            AccessDeniedException.denyShowTables(schema.toString());
        }
    }

    // --- Tables

    @Override
    public Set<SchemaTableName> filterTables(
            SystemSecurityContext context, String catalogName, Set<SchemaTableName> tableNames) {
        return filter(
                context.getIdentity(),
                "FilterTables",
                tableNames,
                name -> object("table", tableOf(new CatalogSchemaTableName(catalogName, name))));
    }

    @Override
    public void checkCanShowCreateTable(SystemSecurityContext context, CatalogSchemaTableName table) {
        if (!allowsTable(context, "ShowCreateTable", table)) {
            AccessDeniedException.denyShowCreateTable(table.toString());
        }
    }

    @Override
    public void checkCanCreateTable(
            SystemSecurityContext context, CatalogSchemaTableName table, Map<String, Object> properties) {
        if (!allowsTable(context, "CreateTable", table, "properties", plain(properties))) {
            AccessDeniedException.denyCreateTable(table.toString());
        }
    }

    @Override
    public void checkCanDropTable(SystemSecurityContext context, CatalogSchemaTableName table) {
        if (!allowsTable(context, "DropTable", table)) {
            AccessDeniedException.denyDropTable(table.toString());
        }
    }

    @Override
    public void checkCanRenameTable(
            SystemSecurityContext context, CatalogSchemaTableName table, CatalogSchemaTableName newTable) {
        if (!allowsRename(context, "RenameTable", object("table", tableOf(table)), "table", tableOf(newTable))) {
            AccessDeniedException.denyRenameTable(table.toString(), newTable.toString());
        }
    }

    @Override
    public void checkCanSetTableProperties(
            SystemSecurityContext context, CatalogSchemaTableName table, Map<String, Optional<Object>> properties) {
        if (!allowsTable(context, "SetTableProperties", table, "properties", plain(properties))) {
            AccessDeniedException.denySetTableProperties(table.toString());
        }
    }

    @Override
    public void checkCanSetTableComment(SystemSecurityContext context, CatalogSchemaTableName table) {
        if (!allowsTable(context, "SetTableComment", table)) {
            AccessDeniedException.denyCommentTable(table.toString());
        }
    }

    @Override
    public void checkCanSetViewComment(SystemSecurityContext context, CatalogSchemaTableName view) {
        if (!allowsTable(context, "SetViewComment", view)) {
            AccessDeniedException.denyCommentView(view.toString());
        }
    }

    @Override
    public void checkCanSetColumnComment(SystemSecurityContext context, CatalogSchemaTableName table) {
        if (!allowsTable(context, "SetColumnComment", table)) {
            AccessDeniedException.denyCommentColumn(table.toString());
        }
    }

    @Override
    public void checkCanShowColumns(SystemSecurityContext context, CatalogSchemaTableName table) {
        if (!allowsTable(context, "ShowColumns", table)) {
            AccessDeniedException.denyShowColumns(table.toString());
        }
    }

    private Set<String> visibleColumns(
            SystemSecurityContext context, CatalogSchemaTableName table, Set<String> columns) {
        List<String> asked = List.copyOf(columns);
        if (asked.isEmpty()) {
            return Set.of();
        }
        Map<String, Object> resource = tableOf(table);
        resource.put("columns", asked);
        return chosen(asked, batch(context.getIdentity(), "FilterColumns", List.of(object("table", resource))));
    }

    /// One question per table, several at once: `information_schema.columns` asks for a whole catalog.
    @Override
    public Map<SchemaTableName, Set<String>> filterColumns(
            SystemSecurityContext context, String catalogName, Map<SchemaTableName, Set<String>> tableColumns) {
        Map<SchemaTableName, Future<Set<String>>> asked = new LinkedHashMap<>();
        Map<SchemaTableName, Set<String>> visible = new HashMap<>();
        try (var threads = Executors.newFixedThreadPool(QUESTIONS_AT_ONCE_MAX)) {
            tableColumns.forEach((name, columns) -> asked.put(
                    name,
                    threads.submit(
                            () -> visibleColumns(context, new CatalogSchemaTableName(catalogName, name), columns))));
            for (Map.Entry<SchemaTableName, Future<Set<String>>> answer : asked.entrySet()) {
                visible.put(answer.getKey(), answer.getValue().get());
            }
            return visible;
        } catch (ExecutionException e) {
            asked.values().forEach(question -> question.cancel(true));
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            asked.values().forEach(question -> question.cancel(true));
            Thread.currentThread().interrupt();
            throw new AccessDeniedException("the query was cancelled");
        }
    }

    @Override
    public void checkCanAddColumn(SystemSecurityContext context, CatalogSchemaTableName table) {
        if (!allowsTable(context, "AddColumn", table)) {
            AccessDeniedException.denyAddColumn(table.toString());
        }
    }

    @Override
    public void checkCanAlterColumn(SystemSecurityContext context, CatalogSchemaTableName table) {
        if (!allowsTable(context, "AlterColumn", table)) {
            AccessDeniedException.denyAlterColumn(table.toString());
        }
    }

    @Override
    public void checkCanDropColumn(SystemSecurityContext context, CatalogSchemaTableName table) {
        if (!allowsTable(context, "DropColumn", table)) {
            AccessDeniedException.denyDropColumn(table.toString());
        }
    }

    @Override
    public void checkCanRenameColumn(SystemSecurityContext context, CatalogSchemaTableName table) {
        if (!allowsTable(context, "RenameColumn", table)) {
            AccessDeniedException.denyRenameColumn(table.toString());
        }
    }

    // Asked about a branch, the answer is the table's: a branch is never more open.

    @Override
    public void checkCanSelectFromColumns(
            SystemSecurityContext context, CatalogSchemaTableName table, Optional<String> branch, Set<String> columns) {
        if (!allowsTable(context, "SelectFromColumns", table, "columns", columns)) {
            AccessDeniedException.denySelectColumns(table.toString(), columns);
        }
    }

    @Override
    public void checkCanInsertIntoTable(
            SystemSecurityContext context, CatalogSchemaTableName table, Optional<String> branch) {
        if (!allowsTable(context, "InsertIntoTable", table)) {
            AccessDeniedException.denyInsertTable(table.toString());
        }
    }

    @Override
    public void checkCanDeleteFromTable(
            SystemSecurityContext context, CatalogSchemaTableName table, Optional<String> branch) {
        if (!allowsTable(context, "DeleteFromTable", table)) {
            AccessDeniedException.denyDeleteTable(table.toString());
        }
    }

    @Override
    public void checkCanTruncateTable(SystemSecurityContext context, CatalogSchemaTableName table) {
        if (!allowsTable(context, "TruncateTable", table)) {
            AccessDeniedException.denyTruncateTable(table.toString());
        }
    }

    @Override
    public void checkCanUpdateTableColumns(
            SystemSecurityContext context,
            CatalogSchemaTableName table,
            Optional<String> branch,
            Set<String> updatedColumns) {
        if (!allowsTable(context, "UpdateTableColumns", table, "columns", updatedColumns)) {
            AccessDeniedException.denyUpdateTableColumns(table.toString(), updatedColumns);
        }
    }

    // --- Views

    @Override
    public void checkCanCreateView(SystemSecurityContext context, CatalogSchemaTableName view) {
        if (!allowsTable(context, "CreateView", view)) {
            AccessDeniedException.denyCreateView(view.toString());
        }
    }

    @Override
    public void checkCanRenameView(
            SystemSecurityContext context, CatalogSchemaTableName view, CatalogSchemaTableName newView) {
        if (!allowsRename(context, "RenameView", object("table", tableOf(view)), "table", tableOf(newView))) {
            AccessDeniedException.denyRenameView(view.toString(), newView.toString());
        }
    }

    @Override
    public void checkCanDropView(SystemSecurityContext context, CatalogSchemaTableName view) {
        if (!allowsTable(context, "DropView", view)) {
            AccessDeniedException.denyDropView(view.toString());
        }
    }

    @Override
    public void checkCanCreateViewWithSelectFromColumns(
            SystemSecurityContext context, CatalogSchemaTableName table, Optional<String> branch, Set<String> columns) {
        if (!allowsTable(context, "CreateViewWithSelectFromColumns", table, "columns", columns)) {
            AccessDeniedException.denyCreateViewWithSelect(table.toString(), context.getIdentity());
        }
    }

    @Override
    public void checkCanCreateMaterializedView(
            SystemSecurityContext context, CatalogSchemaTableName view, Map<String, Object> properties) {
        if (!allowsTable(context, "CreateMaterializedView", view, "properties", plain(properties))) {
            AccessDeniedException.denyCreateMaterializedView(view.toString());
        }
    }

    @Override
    public void checkCanRefreshMaterializedView(SystemSecurityContext context, CatalogSchemaTableName view) {
        if (!allowsTable(context, "RefreshMaterializedView", view)) {
            AccessDeniedException.denyRefreshMaterializedView(view.toString());
        }
    }

    @Override
    public void checkCanSetMaterializedViewProperties(
            SystemSecurityContext context, CatalogSchemaTableName view, Map<String, Optional<Object>> properties) {
        if (!allowsTable(context, "SetMaterializedViewProperties", view, "properties", plain(properties))) {
            AccessDeniedException.denySetMaterializedViewProperties(view.toString());
        }
    }

    @Override
    public void checkCanDropMaterializedView(SystemSecurityContext context, CatalogSchemaTableName view) {
        if (!allowsTable(context, "DropMaterializedView", view)) {
            AccessDeniedException.denyDropMaterializedView(view.toString());
        }
    }

    @Override
    public void checkCanRenameMaterializedView(
            SystemSecurityContext context, CatalogSchemaTableName view, CatalogSchemaTableName newView) {
        if (!allowsRename(
                context, "RenameMaterializedView", object("table", tableOf(view)), "table", tableOf(newView))) {
            AccessDeniedException.denyRenameMaterializedView(view.toString(), newView.toString());
        }
    }

    // --- Roles do not exist here: everybody may see that there are none, nobody can make one

    @Override
    public void checkCanShowRoles(SystemSecurityContext context) {}

    @Override
    public void checkCanShowCurrentRoles(SystemSecurityContext context) {}

    @Override
    public void checkCanShowRoleGrants(SystemSecurityContext context) {}

    // --- Functions and procedures

    @Override
    public void checkCanShowFunctions(SystemSecurityContext context, CatalogSchemaName schema) {
        if (!allows(context, "ShowFunctions", object("schema", schemaOf(schema)))) {
            AccessDeniedException.denyShowFunctions(schema.toString());
        }
    }

    @Override
    public Set<SchemaFunctionName> filterFunctions(
            SystemSecurityContext context, String catalogName, Set<SchemaFunctionName> functionNames) {
        return filter(
                context.getIdentity(),
                "FilterFunctions",
                functionNames,
                name -> function(new CatalogSchemaRoutineName(catalogName, name.schemaName(), name.functionName())));
    }

    @Override
    public void checkCanExecuteProcedure(SystemSecurityContext context, CatalogSchemaRoutineName procedure) {
        if (!allows(context, "ExecuteProcedure", function(procedure))) {
            AccessDeniedException.denyExecuteProcedure(procedure.toString());
        }
    }

    @Override
    public boolean canExecuteFunction(SystemSecurityContext context, CatalogSchemaRoutineName functionName) {
        return allows(context, "ExecuteFunction", function(functionName));
    }

    @Override
    public boolean canCreateViewWithExecuteFunction(
            SystemSecurityContext context, CatalogSchemaRoutineName functionName) {
        return allows(context, "CreateViewWithExecuteFunction", function(functionName));
    }

    @Override
    public void checkCanExecuteTableProcedure(
            SystemSecurityContext context, CatalogSchemaTableName table, String procedure) {
        Map<String, Object> resource = object("function", object("functionName", procedure), "table", tableOf(table));
        if (!allows(context, "ExecuteTableProcedure", resource)) {
            AccessDeniedException.denyExecuteTableProcedure(table.toString(), procedure);
        }
    }

    @Override
    public void checkCanCreateFunction(SystemSecurityContext context, CatalogSchemaRoutineName functionName) {
        if (!allows(context, "CreateFunction", function(functionName))) {
            AccessDeniedException.denyCreateFunction(functionName.toString());
        }
    }

    @Override
    public void checkCanDropFunction(SystemSecurityContext context, CatalogSchemaRoutineName functionName) {
        if (!allows(context, "DropFunction", function(functionName))) {
            AccessDeniedException.denyDropFunction(functionName.toString());
        }
    }

    @Override
    public void checkCanShowCreateFunction(SystemSecurityContext context, CatalogSchemaRoutineName functionName) {
        if (!allows(context, "ShowCreateFunction", function(functionName))) {
            AccessDeniedException.denyShowCreateFunction(functionName.toString());
        }
    }

    // --- What a reader gets less of a table

    @Override
    public List<ViewExpression> getRowFilters(SystemSecurityContext context, CatalogSchemaTableName table) {
        Map<String, Object> action = object("operation", "GetRowFilters", "resource", object("table", tableOf(table)));
        List<ViewExpression> filters = new ArrayList<>();
        for (Object filter : list(ask("/opa/v1/row-filters", about(context), action))) {
            filters.add(expression(filter, table));
        }
        return List.copyOf(filters);
    }

    @Override
    public Map<ColumnSchema, ViewExpression> getColumnMasks(
            SystemSecurityContext context, CatalogSchemaTableName table, List<ColumnSchema> columns) {
        if (columns.isEmpty()) {
            return Map.of();
        }
        List<Object> resources = new ArrayList<>();
        for (ColumnSchema column : columns) {
            Map<String, Object> resource = tableOf(table);
            resource.put("columnName", column.getName());
            resource.put("columnType", column.getType().getDisplayName());
            resources.add(object("column", resource));
        }
        Map<String, Object> action = object("operation", "GetColumnMask", "filterResources", resources);
        Map<ColumnSchema, ViewExpression> masks = new HashMap<>();
        for (Object entry : list(ask("/opa/v1/column-masks", about(context), action))) {
            if (!(entry instanceof Map<?, ?> mask)
                    || masks.put(
                                    columns.get(index(mask.get("index"), columns.size())),
                                    expression(mask.get("viewExpression"), table))
                            != null) {
                throw notUnderstood();
            }
        }
        return Map.copyOf(masks);
    }

    @Override
    public void shutdown() {
        catalog.close();
    }

    // --- The protocol

    private boolean allowsTable(SystemSecurityContext context, String operation, CatalogSchemaTableName table) {
        return allows(context, operation, object("table", tableOf(table)));
    }

    private boolean allowsTable(
            SystemSecurityContext context,
            String operation,
            CatalogSchemaTableName table,
            String what,
            Object details) {
        Map<String, Object> resource = tableOf(table);
        resource.put(what, details);
        return allows(context, operation, object("table", resource));
    }

    private boolean allowsRename(
            SystemSecurityContext context, String operation, Map<String, Object> from, String kind, Object to) {
        Map<String, Object> action =
                object("operation", operation, "resource", from, "targetResource", object(kind, to));
        return yes(ask("/opa/v1/allow", about(context), action));
    }

    private boolean allows(SystemSecurityContext context, String operation, Map<String, Object> resource) {
        return yes(ask("/opa/v1/allow", about(context), action(operation, resource)));
    }

    private boolean allows(Identity identity, String operation, Map<String, Object> resource) {
        return yes(ask("/opa/v1/allow", identity, action(operation, resource)));
    }

    private static Map<String, Object> action(String operation, Map<String, Object> resource) {
        Map<String, Object> action = object("operation", operation);
        if (!resource.isEmpty()) {
            action.put("resource", resource);
        }
        return action;
    }

    private <T> Set<T> filter(
            Identity identity, String operation, Collection<T> things, Function<T, Map<String, Object>> resource) {
        List<T> asked = List.copyOf(things);
        if (asked.isEmpty()) {
            return Set.of();
        }
        return chosen(
                asked, batch(identity, operation, asked.stream().map(resource).toList()));
    }

    private List<?> batch(Identity identity, String operation, List<Map<String, Object>> resources) {
        return list(ask("/opa/v1/batch", identity, object("operation", operation, "filterResources", resources)));
    }

    private Map<String, Object> about(Identity identity) {
        return object("identity", user(identity), "softwareStack", object("trinoVersion", trinoVersion));
    }

    /// With what the stock plugin does not say: the query. Its decisions are found by it, and some masks are the same
    /// within a query and differ between queries.
    private Map<String, Object> about(SystemSecurityContext context) {
        Map<String, Object> about = about(context.getIdentity());
        about.put("queryId", context.getQueryId().toString());
        return about;
    }

    private Optional<Object> ask(String path, Identity identity, Map<String, Object> action) {
        return ask(path, about(identity), action);
    }

    private Optional<Object> ask(String path, Map<String, Object> context, Map<String, Object> action) {
        try {
            return catalog.ask(path, object("input", object("context", context, "action", action)));
        } catch (CatalogClient.Refused e) {
            throw new AccessDeniedException(e.getMessage());
        } catch (CatalogClient.NoAnswer e) {
            AccessDeniedException denied = new AccessDeniedException(e.getMessage());
            denied.addSuppressed(e);
            throw denied;
        }
    }

    private boolean yes(Optional<Object> result) {
        if (result.isPresent() && !(result.get() instanceof Boolean)) {
            throw notUnderstood();
        }
        return result.equals(Optional.of(true));
    }

    private List<?> list(Optional<Object> result) {
        if (result.isPresent() && result.get() instanceof List<?> list) {
            return list;
        }
        throw notUnderstood();
    }

    private <T> Set<T> chosen(List<T> asked, List<?> indices) {
        Set<T> chosen = new LinkedHashSet<>();
        for (Object index : indices) {
            chosen.add(asked.get(index(index, asked.size())));
        }
        return chosen;
    }

    private int index(@Nullable Object index, int size) {
        if (!(index instanceof BigDecimal number)
                || number.stripTrailingZeros().scale() > 0
                || number.signum() < 0
                || number.compareTo(BigDecimal.valueOf(size)) >= 0) {
            throw notUnderstood();
        }
        return number.intValueExact();
    }

    private ViewExpression expression(@Nullable Object answer, CatalogSchemaTableName table) {
        if (!(answer instanceof Map<?, ?> given) || !(given.get("expression") instanceof String sql) || sql.isBlank()) {
            throw notUnderstood();
        }
        ViewExpression.Builder expression = ViewExpression.builder()
                .catalog(table.getCatalogName())
                .schema(table.getSchemaTableName().getSchemaName())
                .expression(sql);
        if (given.get("identity") instanceof String identity) {
            expression.identity(identity);
        }
        return expression.build();
    }

    /// An answer that is not of the protocol must not be taken for "no restriction".
    private AccessDeniedException notUnderstood() {
        return new AccessDeniedException("the catalog server's answer was not understood");
    }

    private static Map<String, Object> user(Identity identity) {
        return object("user", identity.getUser(), "groups", identity.getGroups());
    }

    private static Map<String, Object> catalog(String name) {
        return object("catalog", object("name", name));
    }

    private static Map<String, Object> schemaOf(CatalogSchemaName schema) {
        return object("catalogName", schema.getCatalogName(), "schemaName", schema.getSchemaName());
    }

    private static Map<String, Object> tableOf(CatalogSchemaTableName table) {
        return object(
                "catalogName", table.getCatalogName(),
                "schemaName", table.getSchemaTableName().getSchemaName(),
                "tableName", table.getSchemaTableName().getTableName());
    }

    private static Map<String, Object> function(CatalogSchemaRoutineName name) {
        return object(
                "function",
                object(
                        "catalogName", name.getCatalogName(),
                        "schemaName", name.getSchemaName(),
                        "functionName", name.getRoutineName()));
    }

    /// Property values as JSON has them; an absent one resets the property and is `null`.
    private static Map<String, Object> plain(Map<String, ?> properties) {
        Map<String, Object> plain = new LinkedHashMap<>();
        properties.forEach((name, value) -> plain.put(name, plain(value)));
        return plain;
    }

    private static Object plain(@Nullable Object value) {
        return switch (value) {
            case null -> Json.NULL;
            case Optional<?> optional -> plain(optional.orElse(null));
            case Collection<?> elements ->
                elements.stream().map(CatalogAccessControl::plain).toList();
            case Map<?, ?> members -> {
                Map<String, Object> plain = new LinkedHashMap<>();
                members.forEach((name, member) -> plain.put(String.valueOf(name), plain(member)));
                yield plain;
            }
            default -> value;
        };
    }
}
