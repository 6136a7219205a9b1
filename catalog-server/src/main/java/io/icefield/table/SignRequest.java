package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Trail;
import io.icefield.storage.RequestSigner;

/// Signs a client's request to the files of a table: get, may its files be read raw?, sign.
public final class SignRequest {
    private final Tables tables;
    private final MetadataSource files;
    private final Restricted restricted;
    private final RequestSigner signer;

    public SignRequest(Tables tables, MetadataSource files, Restricted restricted, RequestSigner signer) {
        this.tables = tables;
        this.files = files;
        this.restricted = restricted;
        this.signer = signer;
    }

    public RequestSigner.Signed sign(Principal who, TableId id, RequestSigner.Unsigned request) {
        Trail.current().how("a signature for " + request.method());
        TableStore.Seen seen = tables.get(who, Action.READ, id);
        Table table = seen.table();
        Metadata metadata = files.of(table);
        restricted.requireWhole(who, seen, metadata);
        try {
            return signer.sign(
                    table.storage(),
                    table.location(),
                    LoadTable.reach(who, seen),
                    LoadTable.lasts(who, seen, metadata, restricted),
                    request);
        } catch (RequestSigner.OutOfReach e) {
            throw new Refusal.NotAllowed(
                    "the request is not signed for table `%s`: %s".formatted(table.name(), e.getMessage()));
        }
    }
}
