package io.icefield.storage;

import java.net.URI;
import java.util.Optional;

/// Where a domain's data is and the key that reaches it. The key never leaves the server.
///
/// @param prefix folder inside the bucket that the domain owns, without slashes at its ends; empty: the whole bucket
/// @param endpoint empty: Amazon's own for the region
/// @param sts where session keys are asked for; empty: the endpoint if there is one, else Amazon's
/// @param roleArn role that session keys assume; stores other than AWS take any; empty: the store has no STS, so that
/// requests to it are signed instead
public record StorageProfile(
        DomainName domain,
        String bucket,
        String prefix,
        Optional<URI> endpoint,
        Optional<URI> sts,
        String region,
        boolean pathStyle,
        String roleArn,
        Credential root) {

    /// Does the store issue keys for single tables?
    public boolean hasSts() {
        return !roleArn.isEmpty();
    }

    /// Everything the domain owns.
    public Location home() {
        return new Location(bucket, prefix);
    }
}
