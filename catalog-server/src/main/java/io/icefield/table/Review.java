package io.icefield.table;

import io.icefield.access.Access;
import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Sight;
import io.icefield.policy.Change;
import io.icefield.policy.Column;
import io.icefield.policy.Governance;
import io.icefield.policy.TableName;
import io.icefield.policy.Violation;
import io.icefield.table.TableStore.Tag;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// Is this change acceptable? Puts what would change before the policies, and says what the columns will hold.
final class Review {
    private final Governance governance;

    Review(Governance governance) {
        this.governance = governance;
    }

    /// The tags to publish. Throws `PolicyBroken` with all violations, or `NotAllowed` when the change would take a
    /// classification as personal data away and the caller is no steward.
    Map<Integer, Set<Tag>> change(
            Principal who,
            Sight sight,
            TableId name,
            TableFormat.Prepared before,
            TableFormat.Prepared after,
            Map<Integer, Set<Tag>> stored) {
        Map<Integer, Set<Tag>> tags = Classification.declared(
                before.properties(),
                before.columns().stream().map(Column::fieldId).collect(Collectors.toSet()),
                after,
                stored);
        List<Column> then = Classification.tagged(before.columns(), stored);
        List<Column> now = Classification.tagged(after.columns(), tags);
        List<String> declassified = Classification.declassified(then, now);
        if (!declassified.isEmpty() && !Access.allows(who, sight, Action.CLASSIFY)) {
            throw new Refusal.NotAllowed("`%s` may not declassify %s of table `%s`: ask a steward of its domain"
                    .formatted(who.name(), declassified, name));
        }
        judge(Change.Kind.COMMIT, name, then, now, after.properties());
        return tags;
    }

    /// The same for a table that is new to its name.
    Map<Integer, Set<Tag>> creation(
            Change.Kind kind, TableId name, TableFormat.Prepared after, Map<Integer, Set<Tag>> stored) {
        Map<Integer, Set<Tag>> tags = Classification.declared(Map.of(), Set.of(), after, stored);
        judge(kind, name, List.of(), Classification.tagged(after.columns(), tags), after.properties());
        return tags;
    }

    void renaming(TableId to, TableFormat.Prepared table, Map<Integer, Set<Tag>> stored) {
        List<Column> columns = Classification.tagged(table.columns(), stored);
        judge(Change.Kind.RENAME_TABLE, to, columns, columns, table.properties());
    }

    /// The same for a view. Its columns have names, but no tags of their own; engines number them anew with each
    /// version, so a column is the same while its name is.
    void view(Change.Kind kind, TableId name, List<Column> before, TableFormat.Prepared after) {
        Set<String> known = before.stream().map(Column::path).collect(Collectors.toSet());
        List<Column> kept = after.columns().stream()
                .filter(column -> known.contains(column.path()))
                .toList();
        judge(kind, name, kept, after.columns(), after.properties());
    }

    /// The same for a view of which only the name is known.
    void viewName(Change.Kind kind, TableId name) {
        judge(kind, name, List.of(), List.of(), Map.of());
    }

    private void judge(
            Change.Kind kind, TableId name, List<Column> before, List<Column> after, Map<String, String> properties) {
        TableName address = new TableName(
                name.namespace().domain().value(), name.namespace().levels(), name.name());
        List<Violation> denied = governance
                .judge(new Change(kind, address, before, after, properties))
                .denied();
        if (!denied.isEmpty()) {
            throw new Refusal.PolicyBroken(name.toString(), denied);
        }
    }
}
