package io.icefield.storage;

import java.net.URI;
import java.util.Optional;
import java.util.regex.Pattern;

/// Where a domain's data is and the key that reaches it. The key never leaves the server.
///
/// @param prefix folder inside the bucket that the domain owns, without slashes at its ends; empty: the whole bucket
/// @param endpoint empty: Amazon's own for the region
/// @param sts where session keys are asked for; empty: the endpoint if there is one, else Amazon's
/// @param roleArn role that session keys assume; stores other than AWS take any; empty: the store has no STS, so that
/// requests to it are signed instead
/// @param kmsKey key of the store's key service that encrypts what is written; empty: the store's own habit
public record StorageProfile(
        DomainName domain,
        StorageName name,
        String bucket,
        String prefix,
        Optional<URI> endpoint,
        Optional<URI> sts,
        String region,
        boolean pathStyle,
        String roleArn,
        Optional<String> kmsKey,
        Credential root) {
    /// It becomes part of Amazon's host names.
    private static final Pattern REGION = Pattern.compile("[A-Za-z0-9-]{1,63}");

    /// It becomes a header.
    private static final Pattern KMS_KEY = Pattern.compile("[A-Za-z0-9:/_.-]{1,2048}");

    private static final Pattern ROLE = Pattern.compile("[A-Za-z0-9+=,.@:/_-]{0,2048}");

    public StorageProfile {
        check(REGION, "region", region);
        check(ROLE, "role-arn", roleArn);
        kmsKey.ifPresent(key -> check(KMS_KEY, "kms-key-id", key));
        var _ = new Location(bucket, prefix);
    }

    /// The storage that a domain is made with.
    public StorageProfile(
            DomainName domain,
            String bucket,
            String prefix,
            Optional<URI> endpoint,
            Optional<URI> sts,
            String region,
            boolean pathStyle,
            String roleArn,
            Credential root) {
        this(
                domain,
                StorageName.MAIN,
                bucket,
                prefix,
                endpoint,
                sts,
                region,
                pathStyle,
                roleArn,
                Optional.empty(),
                root);
    }

    private static void check(Pattern form, String what, String value) {
        if (!form.matcher(value).matches()) {
            throw new IllegalArgumentException(
                    "the %s has a length or a character that is not allowed".formatted(what));
        }
    }

    /// The same place with another key to it.
    public StorageProfile with(Credential key) {
        return new StorageProfile(domain, name, bucket, prefix, endpoint, sts, region, pathStyle, roleArn, kmsKey, key);
    }

    /// The same, with what is written encrypted by this key; empty: by the store's own habit.
    public StorageProfile encryptedBy(Optional<String> key) {
        return new StorageProfile(domain, name, bucket, prefix, endpoint, sts, region, pathStyle, roleArn, key, root);
    }

    /// Does the store issue keys for single tables?
    public boolean hasSts() {
        return !roleArn.isEmpty();
    }

    /// Everything the domain owns here.
    public Location home() {
        return new Location(bucket, prefix);
    }
}
