package io.icefield.table;

import io.icefield.access.Access;
import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Sight;
import io.icefield.access.Trail;
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

    /// What the policies say about one table's change.
    ///
    /// @param tags what its columns will hold
    /// @param denied why it must not be published; empty: it may
    record Verdict(TableId name, Map<Integer, Set<Tag>> tags, List<Violation> denied) {
        /// The tags to publish. Throws `PolicyBroken` with all violations.
        Map<Integer, Set<Tag>> accepted() {
            accept(List.of(this));
            return tags;
        }
    }

    /// Throws `PolicyBroken` with the violations of all changes, if there are any.
    static void accept(List<Verdict> verdicts) {
        List<Verdict> refused =
                verdicts.stream().filter(each -> !each.denied().isEmpty()).toList();
        if (refused.isEmpty()) {
            return;
        }
        if (verdicts.size() == 1) {
            throw new Refusal.PolicyBroken(
                    refused.getFirst().name().toString(), refused.getFirst().denied());
        }
        throw new Refusal.PolicyBroken(
                "the transaction",
                refused.stream()
                        .flatMap(each -> each.denied().stream()
                                .map(why -> new Violation(why.code(), each.name() + " " + why.path(), why.message())))
                        .toList());
    }

    /// Throws `NotAllowed` when the change would take a classification as personal data away and the caller is no
    /// steward.
    Verdict change(
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
        return new Verdict(name, tags, judge(Change.Kind.COMMIT, name, then, now, after.properties()));
    }

    /// The same for a table that is new to its name.
    Verdict creation(Change.Kind kind, TableId name, TableFormat.Prepared after, Map<Integer, Set<Tag>> stored) {
        Map<Integer, Set<Tag>> tags = Classification.declared(Map.of(), Set.of(), after, stored);
        List<Column> now = Classification.tagged(after.columns(), tags);
        return new Verdict(name, tags, judge(kind, name, List.of(), now, after.properties()));
    }

    void renaming(TableId to, TableFormat.Prepared table, Map<Integer, Set<Tag>> stored) {
        List<Column> columns = Classification.tagged(table.columns(), stored);
        accept(List.of(
                new Verdict(to, stored, judge(Change.Kind.RENAME_TABLE, to, columns, columns, table.properties()))));
    }

    /// The same for a view. Its columns have names, but no tags of their own; engines number them anew with each
    /// version, so a column is the same while its name is.
    void view(Change.Kind kind, TableId name, List<Column> before, TableFormat.Prepared after) {
        Set<String> known = before.stream().map(Column::path).collect(Collectors.toSet());
        List<Column> kept = after.columns().stream()
                .filter(column -> known.contains(column.path()))
                .toList();
        accept(List.of(new Verdict(name, Map.of(), judge(kind, name, kept, after.columns(), after.properties()))));
    }

    /// The same for a view of which only the name is known.
    void viewName(Change.Kind kind, TableId name) {
        accept(List.of(new Verdict(name, Map.of(), judge(kind, name, List.of(), List.of(), Map.of()))));
    }

    private List<Violation> judge(
            Change.Kind kind, TableId name, List<Column> before, List<Column> after, Map<String, String> properties) {
        TableName address = new TableName(
                name.namespace().domain().value(), name.namespace().levels(), name.name());
        Governance.Verdict verdict = governance.judge(new Change(kind, address, before, after, properties));
        Trail.current().warned(verdict.warned());
        return verdict.denied();
    }
}
