package io.icefield.storage.s3;

import io.icefield.storage.DomainStorage.Unfit;
import io.icefield.storage.StorageProfile;
import io.icefield.storage.Upkeep;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.BucketVersioningStatus;
import software.amazon.awssdk.services.s3.model.ExpirationStatus;
import software.amazon.awssdk.services.s3.model.LifecycleRule;

/// Versions of objects and the rules by which a bucket cleans itself. Rules have our name and the storage's folder, so
/// that those of others in the bucket stay.
final class BucketUpkeep {
    private static final Set<Integer> HAS_NOT = Set.of(400, 404, 405, 501);

    private final S3Client s3;
    private final StorageProfile profile;

    BucketUpkeep(S3Client s3, StorageProfile profile) {
        this.s3 = s3;
        this.profile = profile;
    }

    void keep(Upkeep wanted) {
        wanted.versioning().ifPresent(on -> asked("versioning", () -> version(on)));
        if (wanted.hasRules()) {
            asked("lifecycle rules", () -> rule(wanted));
        }
        // MinIO takes a rule for abandoned uploads and forgets it: it cleans these up by a rule of its own.
        List<String> missing = missing(wanted);
        if (!missing.isEmpty()) {
            throw new Unfit("the store of bucket `%s` did not keep %s: leave it out"
                    .formatted(profile.bucket(), String.join(" and ", missing)));
        }
    }

    private void version(boolean on) {
        if (on != isVersioned()) {
            s3.putBucketVersioning(r -> r.bucket(profile.bucket())
                    .versioningConfiguration(
                            v -> v.status(on ? BucketVersioningStatus.ENABLED : BucketVersioningStatus.SUSPENDED)));
        }
    }

    private boolean isVersioned() {
        return s3.getBucketVersioning(r -> r.bucket(profile.bucket())).status() == BucketVersioningStatus.ENABLED;
    }

    private void rule(Upkeep wanted) {
        List<LifecycleRule> rules = new ArrayList<>(rules());
        String id = "icefield-%s-%s".formatted(profile.domain(), profile.name());
        rules.removeIf(each -> id.equals(each.id()));
        rules.add(LifecycleRule.builder()
                .id(id)
                .status(ExpirationStatus.ENABLED)
                .filter(f -> f.prefix(profile.prefix().isEmpty() ? "" : profile.prefix() + "/"))
                .applyMutation(rule -> {
                    wanted.uploadDays()
                            .ifPresent(days -> rule.abortIncompleteMultipartUpload(a -> a.daysAfterInitiation(days)));
                    wanted.versionDays()
                            .ifPresent(days -> rule.noncurrentVersionExpiration(v -> v.noncurrentDays(days)));
                })
                .build());
        s3.putBucketLifecycleConfiguration(r -> r.bucket(profile.bucket()).lifecycleConfiguration(l -> l.rules(rules)));
    }

    private List<LifecycleRule> rules() {
        try {
            return s3.getBucketLifecycleConfiguration(r -> r.bucket(profile.bucket()))
                    .rules();
        } catch (AwsServiceException e) {
            if (S3DomainStorage.code(e).equals("NoSuchLifecycleConfiguration")) {
                return List.of();
            }
            throw e;
        }
    }

    /// What the store does not do of that; throws what the store throws.
    List<String> missing(Upkeep wanted) {
        List<String> missing = new ArrayList<>();
        if (wanted.versioning().isPresent() && wanted.versioning().get() != isVersioned()) {
            missing.add("versioning");
        }
        List<LifecycleRule> rules = wanted.hasRules() ? rules() : List.of();
        wanted.uploadDays()
                .filter(days -> rules.stream()
                        .noneMatch(rule -> rule.abortIncompleteMultipartUpload() != null
                                && days.equals(
                                        rule.abortIncompleteMultipartUpload().daysAfterInitiation())))
                .ifPresent(_ -> missing.add("the rule for abandoned uploads"));
        wanted.versionDays()
                .filter(days -> rules.stream()
                        .noneMatch(rule -> rule.noncurrentVersionExpiration() != null
                                && days.equals(
                                        rule.noncurrentVersionExpiration().noncurrentDays())))
                .ifPresent(_ -> missing.add("the rule for old versions"));
        return missing;
    }

    private void asked(String what, Runnable call) {
        try {
            call.run();
        } catch (AwsServiceException e) {
            if (!HAS_NOT.contains(e.statusCode())) {
                throw e;
            }
            throw new Unfit("the store of bucket `%s` has no %s as it was asked for (%d %s): leave it out"
                    .formatted(profile.bucket(), what, e.statusCode(), S3DomainStorage.code(e)));
        }
    }
}
