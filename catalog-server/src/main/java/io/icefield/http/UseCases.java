package io.icefield.http;

import io.icefield.access.Logins;
import io.icefield.access.Principals;
import io.icefield.access.SealingKeys;
import io.icefield.access.SigningKeys;
import io.icefield.audit.DecisionLog;
import io.icefield.audit.Decisions;
import io.icefield.audit.ExportDecisions;
import io.icefield.domain.AccessRequests;
import io.icefield.domain.Domains;
import io.icefield.domain.Grants;
import io.icefield.domain.Storages;
import io.icefield.table.ClassifyTable;
import io.icefield.table.CommitTable;
import io.icefield.table.CommitTransaction;
import io.icefield.table.CreateTable;
import io.icefield.table.CreateView;
import io.icefield.table.DropTable;
import io.icefield.table.DropView;
import io.icefield.table.DroppedTables;
import io.icefield.table.Housekeeping;
import io.icefield.table.LoadTable;
import io.icefield.table.LoadView;
import io.icefield.table.Namespaces;
import io.icefield.table.PlanScan;
import io.icefield.table.Protect;
import io.icefield.table.PurgeTables;
import io.icefield.table.QueryDecisions;
import io.icefield.table.RegisterTable;
import io.icefield.table.RenameTable;
import io.icefield.table.RenameView;
import io.icefield.table.ReplaceView;
import io.icefield.table.ReportMetrics;
import io.icefield.table.RequestKeys;
import io.icefield.table.SignRequest;
import io.icefield.table.Tables;
import io.icefield.table.UndropTable;
import io.icefield.table.UnregisterTable;
import io.icefield.table.Usages;
import io.icefield.table.Views;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.function.Supplier;

/// What the routes call.
///
/// @param address how clients reach us
public record UseCases(
        Principals principals,
        Logins logins,
        SigningKeys signingKeys,
        SealingKeys sealingKeys,
        Domains domains,
        Namespaces namespaces,
        Tables tables,
        LoadTable loadTable,
        CreateTable createTable,
        CommitTable commitTable,
        CommitTransaction commitTransaction,
        RegisterTable registerTable,
        RenameTable renameTable,
        DropTable dropTable,
        ClassifyTable classifyTable,
        ReportMetrics reportMetrics,
        OnViews onViews,
        OnFiles onFiles,
        OnAccess onAccess,
        Keeping keeping,
        OnStorage onStorage,
        OnAudit onAudit,
        QueryDecisions queryDecisions,
        Supplier<URI> address) {

    /// What was decided.
    ///
    /// @param policies version of the policies in force
    /// @param replica this server's name among its like
    public record OnAudit(
            DecisionLog log,
            Decisions decisions,
            ExportDecisions export,
            String policies,
            String replica,
            Clock clock) {}

    /// Where domains keep their files, and how much that is.
    public record OnStorage(Storages storages, Usages usages, Tables tables, Clock clock) {}

    /// What was dropped, what must not be, and which requests were made before.
    public record Keeping(
            DroppedTables dropped,
            UndropTable undrop,
            UnregisterTable unregister,
            Protect protect,
            PurgeTables purge,
            Housekeeping housekeeping,
            RequestKeys keys,
            Duration keyLifetime) {}

    /// Who may what.
    public record OnAccess(Grants grants, AccessRequests requests) {}

    /// What the server does with files for those who cannot.
    ///
    /// @param planning who plans scans if a client has no opinion, as `scan-planning-mode` says it
    public record OnFiles(PlanScan planScan, SignRequest signRequest, String planning) {}

    /// The same for views.
    public record OnViews(
            Views views,
            CreateView createView,
            LoadView loadView,
            ReplaceView replaceView,
            RenameView renameView,
            DropView dropView) {}
}
