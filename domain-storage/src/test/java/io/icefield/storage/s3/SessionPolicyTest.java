package io.icefield.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.storage.DomainStorage.Reach;
import io.icefield.storage.Location;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SessionPolicyTest {
    @Test
    void theLongestFolderThatTheCatalogAllowsFits() {
        Location folder = new Location("b".repeat(63), "x".repeat(320));
        assertThat(SessionPolicy.of(
                        folder,
                        Reach.READ_WRITE,
                        "aws-us-gov",
                        Optional.of("arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/" + "x".repeat(36))))
                .hasSizeLessThanOrEqualTo(SessionPolicy.BYTES_MAX)
                .contains("x/*", "kms:Decrypt");
    }
}
