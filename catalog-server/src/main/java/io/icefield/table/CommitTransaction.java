package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.domain.Domains;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Commits changes to many tables, staged creations among them, of one domain or of several: all of them, or
/// none. The steps are those of [CommitTable].
public final class CommitTransaction {
    public static final int TABLES_MAX = 1_000;

    private final Domains domains;
    private final TableFormat format;
    private final CommitTable commits;

    public CommitTransaction(Domains domains, TableFormat format, CommitTable commits) {
        this.domains = domains;
        this.format = format;
        this.commits = commits;
    }

    /// Several changes of one table are applied in their order, and become visible as one.
    public void commit(Principal who, Warehouse in, String body, Once once) {
        in.domain(List.of()).ifPresent(domain -> domains.get(who, Action.SEE, domain));
        Map<TableId, List<TableFormat.CommitRequest>> changes = new LinkedHashMap<>();
        for (TableFormat.TableChange change : format.transactionRequest(body)) {
            TableId id = Refusal.parse(name -> new TableId(in.namespace(change.namespace()), name), change.table());
            changes.computeIfAbsent(id, _ -> new ArrayList<>()).add(change.request());
        }
        if (changes.size() > TABLES_MAX) {
            throw new Refusal.Invalid("a transaction changes at most %d tables".formatted(TABLES_MAX));
        }
        List<Loaded> _ = commits.commit(who, changes, once);
    }
}
