package io.icefield.access;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.access.Attempts.Pair;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

final class AttemptsTest {
    private static final Pair ATTACK = new Pair("admin", "10.0.0.1");
    private static final Pair OWNER = new Pair("admin", "10.0.0.2");

    private final Attempts attempts = new Attempts();
    private Instant now = Instant.parse("2026-05-01T10:00:00Z");

    private void fail(Pair who, int times) {
        for (int i = 0; i < times; i++) {
            attempts.failed(who, now);
        }
    }

    private Duration wait(Pair who) {
        return attempts.wait(who, now).orElse(Duration.ZERO);
    }

    @Test
    void theWaitGrowsWithEveryWrongSecretAndEnds() {
        fail(ATTACK, Attempts.FREE_OF_CLIENT - 1);
        assertThat(wait(ATTACK)).isZero();
        fail(ATTACK, 1);
        assertThat(wait(ATTACK)).isEqualTo(Duration.ofSeconds(1));
        fail(ATTACK, 1);
        assertThat(wait(ATTACK)).isEqualTo(Duration.ofSeconds(2));
        fail(ATTACK, 30);
        assertThat(wait(ATTACK)).isEqualTo(Attempts.CLIENT_WAIT_MAX);
        now = now.plus(Attempts.CLIENT_WAIT_MAX);
        assertThat(wait(ATTACK)).isZero();
        fail(ATTACK, 1);
        assertThat(wait(ATTACK)).isEqualTo(Attempts.CLIENT_WAIT_MAX);
        now = now.plus(Attempts.FORGIVEN_AFTER).plusSeconds(1);
        fail(ATTACK, 1);
        assertThat(wait(ATTACK)).isZero();
    }

    @Test
    void whoHasSignedInFromThereIsNotHeldUpByOthersGuesses() {
        attempts.succeeded(OWNER);
        fail(ATTACK, 1_000);
        assertThat(wait(OWNER)).isZero();
        assertThat(wait(new Pair("admin", "10.0.0.3"))).isEqualTo(Attempts.CLIENT_WAIT_MAX);
        assertThat(wait(new Pair("other", "10.0.0.3"))).isZero();
        assertThat(wait(new Pair("other", "10.0.0.1"))).isEqualTo(Attempts.ADDRESS_WAIT_MAX);

        fail(OWNER, Attempts.FREE_OF_CLIENT);
        assertThat(wait(OWNER)).as("guesses from there end that").isEqualTo(Attempts.CLIENT_WAIT_MAX);
        attempts.succeeded(OWNER);
        assertThat(wait(OWNER)).isZero();
    }

    @Test
    void manyNamesFromOneAddressAreSlowedDownToo() {
        for (int i = 0; i < Attempts.FREE_OF_ADDRESS; i++) {
            fail(new Pair("user" + i, "10.0.0.1"), 1);
        }
        assertThat(wait(new Pair("another", "10.0.0.1"))).isPositive();
        assertThat(wait(new Pair("another", "10.0.0.2"))).isZero();
    }

    @Test
    void memoryIsBoundedAndAFloodOfNamesDoesNotHideWhereItComesFrom() {
        for (int i = 0; i < 3 * Attempts.REMEMBERED_MAX; i++) {
            fail(new Pair("x".repeat(i % 200) + i, "10.0.0.1"), 1);
            attempts.succeeded(new Pair("y" + i, "10.1." + i));
        }
        assertThat(attempts.remembered()).isLessThanOrEqualTo(3 * Attempts.REMEMBERED_MAX);
        assertThat(wait(new Pair("new", "10.0.0.1"))).isEqualTo(Attempts.ADDRESS_WAIT_MAX);
    }
}
