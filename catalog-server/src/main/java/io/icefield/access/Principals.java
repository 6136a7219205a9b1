package io.icefield.access;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.access.Refusal.Thing;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Who there is: the platform team adds users, jobs and engines; each proves itself with a secret that is shown once.
public final class Principals {
    private static final int SECRET_BYTES = 32;

    private final PrincipalStore store;
    private final SecureRandom random = new SecureRandom();

    public Principals(PrincipalStore store) {
        this.store = store;
    }

    /// A principal and, this once, its secret.
    public record Created(Principal principal, String secret) {
        @Override
        public String toString() {
            return "Created[%s]".formatted(principal);
        }
    }

    public Created create(Principal who, Principal wanted) {
        Access.checkPlatform(who, "create principals");
        String secret = newSecret();
        if (!store.add(wanted, hash(secret))) {
            throw new Refusal.AlreadyExists(Thing.PRINCIPAL, wanted.name());
        }
        return new Created(wanted, secret);
    }

    /// Added with this secret if nobody of that name is there: the first start's admin.
    public void bootstrap(Principal principal, String secret) {
        boolean _ = store.add(principal, hash(secret));
    }

    /// The same with a secret that nobody knows.
    public void bootstrap(Principal principal) {
        bootstrap(principal, newSecret());
    }

    public Principal get(Principal who, String name) {
        if (!who.name().equals(name)) {
            Access.checkPlatform(who, "look at other principals");
        }
        return store.find(name).map(PrincipalStore.Stored::principal).orElseThrow(() -> absent(name));
    }

    public List<Principal> list(Principal who, String after, int limit) {
        Access.checkPlatform(who, "list principals");
        return store.list(after, limit);
    }

    public Created rotate(Principal who, String name) {
        if (!who.name().equals(name)) {
            Access.checkPlatform(who, "rotate the secrets of others");
        }
        Principal principal = get(who, name);
        String secret = newSecret();
        if (!store.replaceSecret(name, hash(secret))) {
            throw absent(name);
        }
        return new Created(principal, secret);
    }

    public Principal regroup(Principal who, String name, List<String> groups) {
        Access.checkPlatform(who, "change groups");
        Principal before = get(who, name);
        Principal after = new Principal(name, before.kind(), Set.copyOf(groups));
        if (!store.replaceGroups(name, List.copyOf(groups))) {
            throw absent(name);
        }
        return after;
    }

    public void remove(Principal who, String name) {
        Access.checkPlatform(who, "remove principals");
        if (who.name().equals(name)) {
            throw new Refusal.Invalid(
                    "nobody removes themselves: let another member of `%s` do it".formatted(Principal.PLATFORM_GROUP));
        }
        if (!store.remove(name)) {
            throw absent(name);
        }
    }

    /// Whoever knows the secret; one refusal for a wrong name and a wrong secret.
    public Principal authenticate(String name, String secret) {
        Optional<PrincipalStore.Stored> known = store.find(name);
        byte[] expected = known.map(PrincipalStore.Stored::secretHash).orElse(new byte[0]);
        if (!MessageDigest.isEqual(expected, hash(secret)) || known.isEmpty()) {
            throw new Refusal.NotAuthenticated("client id and secret do not belong together");
        }
        return known.get().principal();
    }

    /// For decisions about somebody whom a trusted engine has authenticated: the groups that we know of, if we know the
    /// name.
    public Principal known(String name, Set<String> groups) {
        return store.find(name)
                .map(PrincipalStore.Stored::principal)
                .orElseGet(() -> new Principal(name, Principal.Kind.USER, groups));
    }

    private static Refusal absent(String name) {
        return new Refusal.NotFound(Thing.PRINCIPAL, name);
    }

    private String newSecret() {
        byte[] bytes = new byte[SECRET_BYTES];
        random.nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /// One round is enough: secrets are 256 random bits, not words.
    private static byte[] hash(String secret) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(secret.getBytes(UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
