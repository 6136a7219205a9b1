package io.icefield.access;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/// The principals that this catalog knows: its own, and for a while those whom identity providers proved.
public interface PrincipalStore {
    /// Secrets of one principal, at most.
    int SECRETS_MAX = 10;

    /// How old [#recall] may be on other replicas than the one that changed something; a second where the database
    /// answers.
    Duration RECALL_MAX = Duration.ofSeconds(5);

    /// Adds one; `false` and nothing changed when the name is taken.
    ///
    /// @param secretHash SHA-256 of its secret
    boolean add(Principal principal, byte[] secretHash);

    Optional<Stored> find(String name);

    /// The same as it was at most [#RECALL_MAX] ago, mostly without asking the database. What this process changed is
    /// seen at once.
    Optional<Stored> recall(String name);

    /// At most `limit` of our own principals after this name, in the order of their names (code points).
    List<Principal> list(String after, int limit);

    /// Is a principal of our own called something that begins so?
    boolean anyNamed(String prefix);

    /// Gives one of our own principals another secret. The others are gone at once, or end at `othersUntil` if they do
    /// not end earlier. Empty when there is no such principal. Throws `Refusal.Invalid` at the limit.
    Optional<Secret> addSecret(
            String name, byte[] secretHash, Optional<Instant> expiresAt, Optional<Instant> othersUntil);

    /// Takes one away; `false` when there is none.
    boolean removeSecret(String name, String id);

    /// `false` when there is none.
    boolean replaceGroups(String name, List<String> groups);

    /// Removes it and what was granted to it; `false` when there is none. Throws `Refusal.NotAllowed`, and nothing has
    /// changed, when a domain would have no owner left whose grant does not expire. Who is in a group is not asked.
    boolean remove(String name);

    /// Adds somebody of outside, or replaces the groups; whoever is there already stays at least as long as before.
    /// Empty when the name is taken by one of our own or of another issuer.
    Optional<Stored> remember(Principal external, String issuer, Instant until);

    /// @param id never given to another one, not even of the same name
    /// @param secrets also expired ones, whose tokens may still live
    /// @param until when somebody of outside is forgotten; empty: one of our own
    record Stored(long id, Principal principal, List<Secret> secrets, Optional<Instant> until) {
        public Stored {
            secrets = List.copyOf(secrets);
        }

        /// Do tokens that were issued upon this still count?
        boolean stands(Tokens.Session session, Instant now) {
            return id == session.principal()
                    && until.map(now::isBefore).orElse(true)
                    && session.secret()
                            .map(id ->
                                    secrets.stream().anyMatch(each -> each.id().equals(id)))
                            .orElse(true);
        }
    }

    /// @param hash SHA-256
    record Secret(String id, byte[] hash, Instant createdAt, Optional<Instant> expiresAt) {
        @Override
        public String toString() {
            return "Secret[%s]".formatted(id);
        }
    }
}
