package io.icefield.access;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// The keys that seal secrets in the database, and their succession: a new one is put before the others,
/// everything is sealed anew, and the others can go.
public final class SealingKeys {
    /// Secrets that are sealed anew in one request.
    public static final int BATCH = 100;

    /// Where keys are given.
    public static final String HOW = "in the file that `ICEFIELD_KEY_FILE` names or in `ICEFIELD_KEY`";

    private static final System.Logger LOG = System.getLogger(SealingKeys.class.getName());

    private final SealingKeySource source;
    private final SealedStore store;

    public SealingKeys(SealingKeySource source, SealedStore store) {
        this.source = source;
        this.store = store;
    }

    /// A key, and how many secrets it has sealed.
    ///
    /// @param id empty: whichever key it was that sealed secrets before keys had ids
    public record Shown(String id, State state, long secrets) {}

    /// What a key is for.
    public enum State {
        /// The first: it seals, and opens.
        SEALING,
        OPENING,
        /// Not among the keys of this server: what it has sealed stays shut.
        MISSING,
        /// Secrets of before keys had ids: one of the keys opens them.
        UNNAMED
    }

    /// The keys do not fit the database, or there are none: for the operator.
    public static final class Unfit extends RuntimeException {
        private static final long serialVersionUID = 1L;

        public Unfit(String message) {
            super(message);
        }
    }

    /// Makes the first key for an empty database, and never one beside secrets that another one has sealed.
    /// Throws `Unfit`.
    public void begin() {
        if (source.keys().isEmpty()) {
            long sealed =
                    store.counts().values().stream().mapToLong(Long::longValue).sum();
            if (sealed > 0) {
                throw new Unfit(
                        "the database holds %d sealed secrets, and there is no key to open them: put the key back, %s"
                                .formatted(sealed, HOW));
            }
            source.make();
        }
        shown().stream()
                .filter(each -> each.state() == State.MISSING)
                .forEach(each -> LOG.log(
                        System.Logger.Level.ERROR,
                        "{0} secrets are sealed under key `{1}`, which this server does not have: add it, {2}",
                        each.secrets(),
                        each.id(),
                        HOW));
    }

    public List<Shown> list(Principal who) {
        Access.checkPlatform(who, "look at sealing keys");
        return shown();
    }

    private List<Shown> shown() {
        Map<String, Long> counts = new TreeMap<>(store.counts());
        List<Shown> shown = new ArrayList<>();
        for (SealingKey key : source.keys()) {
            long secrets = counts.getOrDefault(key.id(), 0L);
            counts.remove(key.id());
            shown.add(new Shown(key.id(), shown.isEmpty() ? State.SEALING : State.OPENING, secrets));
        }
        counts.forEach(
                (id, secrets) -> shown.add(new Shown(id, id.isEmpty() ? State.UNNAMED : State.MISSING, secrets)));
        return shown;
    }

    /// Seals some secrets anew under the first key. Whoever goes on until there is no next batch has done it
    /// for all; who was interrupted begins again, and what is done is done.
    public SealedStore.Batch reseal(Principal who, String after) {
        Access.checkPlatform(who, "seal secrets anew");
        return store.reseal(after, BATCH);
    }
}
