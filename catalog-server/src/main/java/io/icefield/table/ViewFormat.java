package io.icefield.table;

import io.icefield.storage.Location;
import java.util.Optional;
import java.util.UUID;

/// The view format, as [TableFormat] is the tables'. Every method throws `Refusal.Invalid` for what the format does not
/// allow.
///
/// A view is run with the rights of whoever queries it: what comes in or out never names somebody else. Properties that
/// engines would take for that are left out of everything that is applied or read here.
public interface ViewFormat {
    /// Reads a CreateViewRequest (Iceberg REST). Nothing is applied yet.
    CreateRequest createRequest(String body);

    /// A request to create a view.
    ///
    /// @param location where the caller wants it; empty: we choose
    record CreateRequest(String name, Optional<String> location, Object parsed) {}

    /// Metadata of a new view, with its first version.
    TableFormat.Prepared create(CreateRequest request, UUID uuid, Location location);

    /// Reads a CommitViewRequest. Unknown updates and requirements are refused.
    ReplaceRequest replaceRequest(String body);

    /// A request to change a view.
    record ReplaceRequest(Object parsed) {}

    /// Applies a change to the current metadata; versions before stay. Throws `Refusal.Conflict` when a requirement
    /// does
    /// not hold.
    TableFormat.Prepared replace(Metadata current, ReplaceRequest request);

    /// What a metadata file says; its `json` is what may be shown.
    TableFormat.Prepared read(Metadata metadata);

    /// What a metadata file says that others wrote; for register. Read strictly, and `json` is written anew.
    TableFormat.Prepared adopt(Metadata metadata);
}
