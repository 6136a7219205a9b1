package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.policy.Change;
import io.icefield.policy.Governance;
import io.icefield.storage.Location;
import java.util.Map;
import java.util.Optional;

/// Commits one change to one view: get, prepare, judge, write, swap. Whoever comes second is applied to what the first
/// one left: no version is lost.
public final class ReplaceView {
    /// How often a change is prepared anew because others were faster, before its client is asked to.
    public static final int ATTEMPTS_MAX = 20;

    private final Views views;
    private final Namespaces namespaces;
    private final TableStore store;
    private final ViewFormat format;
    private final Review review;
    private final MetadataFiles files;
    private final MetadataSource cache;

    public ReplaceView(
            Views views,
            Namespaces namespaces,
            TableStore store,
            ViewFormat format,
            Governance governance,
            MetadataFiles files,
            MetadataSource cache) {
        this.views = views;
        this.namespaces = namespaces;
        this.store = store;
        this.format = format;
        this.review = new Review(governance);
        this.files = files;
        this.cache = cache;
    }

    public Metadata replace(Principal who, TableId id, String body, Once once) {
        ViewFormat.ReplaceRequest request = format.replaceRequest(body);
        for (int attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
            Optional<Metadata> done = attempt(who, id, request, once);
            if (done.isPresent()) {
                return done.get();
            }
        }
        throw new Refusal.Conflict(
                "view `%s` is changed by others faster than this change can be: try again".formatted(id));
    }

    /// Empty: somebody else was faster, and nothing was done.
    private Optional<Metadata> attempt(Principal who, TableId id, ViewFormat.ReplaceRequest request, Once once) {
        Table view = views.get(who, Action.COMMIT, id).table(); // may this caller?
        Metadata current = cache.of(view);
        TableFormat.Prepared before = format.read(current);
        TableFormat.Prepared next = format.replace(current, request); // is it valid?
        if (next.unchanged()) {
            return Optional.of(new Metadata(current.location(), before.json()));
        }
        Location location = Locations.check(view.domain(), next);
        if (!location.equals(view.location())) { // as if the view were made there
            Namespace in = namespaces.get(who, Action.CREATE, id.namespace()).namespace();
            namespaces.checkFolder(who, in, location);
        }
        review.view(Change.Kind.REPLACE_VIEW, id, before.columns(), next); // is it acceptable?

        Metadata metadata = files.write(view.domain(), Locations.metadataFolder(location, next), next); // a new file
        TableStore.Swapped swapped;
        try {
            swapped = store.recording(once)
                    .swap(view, new TableStore.Published(metadata, location, Map.of())); // the only visible effect
        } catch (Refusal.Conflict e) {
            swapped = TableStore.Swapped.LOST;
        } catch (Refusal.OutcomeUnknown e) {
            throw e; // it may be in use
        } catch (Refusal e) {
            files.discard(view.domain(), metadata);
            throw e;
        }
        return switch (swapped) {
            case DONE -> {
                cache.remember(view.next(location, metadata), metadata);
                yield Optional.of(metadata);
            }
            case LOST -> {
                files.discard(view.domain(), metadata);
                yield Optional.empty();
            }
            case LOCATION_TAKEN -> {
                files.discard(view.domain(), metadata);
                throw new Refusal.Invalid(
                        "the location `%s` touches that of another table or view: choose another".formatted(location));
            }
        };
    }
}
