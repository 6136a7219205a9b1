package io.icefield.postgres;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.SealingKey;
import io.icefield.access.SealingKeySource;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;

final class SealerTest {
    private static final SealingKey OLD = key(1);
    private static final SealingKey NEW = key(2);
    private static final byte[] SECRET = "hush".getBytes(UTF_8);

    static SealingKey key(int value) {
        byte[] bytes = new byte[SealingKey.BYTES];
        Arrays.fill(bytes, (byte) value);
        return new SealingKey(bytes);
    }

    /// Keys that come and go.
    static final class Keys implements SealingKeySource {
        final AtomicInteger asked = new AtomicInteger();
        private volatile List<SealingKey> now;

        Keys(SealingKey... now) {
            set(now);
        }

        void set(SealingKey... keys) {
            now = List.of(keys);
        }

        @Override
        public List<SealingKey> keys() {
            asked.incrementAndGet();
            if (now.contains(key(99))) {
                throw new IllegalStateException("half a file");
            }
            return now;
        }

        @Override
        public void make() {
            set(key(50));
        }
    }

    @Test
    void aSealOpensForItsOwnerWithItsKeyAndUnaltered() {
        Sealer sealer = new Sealer(new Keys(OLD));
        byte[] sealed = sealer.seal("domain a", SECRET);

        assertThat(sealer.open("domain a", sealed)).isEqualTo(SECRET);
        assertThat(sealer.seal("domain a", SECRET)).isNotEqualTo(sealed);
        assertThat(new String(sealed, UTF_8)).doesNotContain("hush");
        assertThatThrownBy(() -> sealer.open("domain b", sealed))
                .isInstanceOf(Sealer.Shut.class)
                .hasMessageContaining("altered");
        for (int i = 0; i < sealed.length; i++) {
            byte[] altered = sealed.clone();
            altered[i] ^= 1;
            assertThatThrownBy(() -> sealer.open("domain a", altered)).isInstanceOf(Sealer.Shut.class);
            byte[] cut = Arrays.copyOf(sealed, i);
            assertThatThrownBy(() -> sealer.open("domain a", cut)).isInstanceOf(Sealer.Shut.class);
        }
        assertThatThrownBy(() -> new SealingKey(new byte[16])).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theFirstKeySealsAndAllOpenAndWhatDoesNotOpenNamesItsKey() {
        Keys keys = new Keys(OLD);
        Sealer sealer = new Sealer(keys);
        byte[] before = sealer.seal("domain a", SECRET);
        keys.set(NEW, OLD);
        byte[] after = sealer.seal("domain a", SECRET);
        assertThat(Sealer.keyId(before)).isEqualTo(OLD.id());
        assertThat(Sealer.keyId(after)).as("from the next secret on").isEqualTo(NEW.id());
        assertThat(sealer.open("domain a", before)).isEqualTo(SECRET);
        assertThat(sealer.open("domain a", after)).isEqualTo(SECRET);

        Sealer other = new Sealer(new Keys(NEW));
        assertThat(other.open("domain a", after)).isEqualTo(SECRET);
        assertThatThrownBy(() -> other.open("domain a", before))
                .isInstanceOf(Sealer.Shut.class)
                .hasMessageContainingAll("domain a", OLD.id(), NEW.id(), "ICEFIELD_KEY_FILE");
    }

    @Test
    void aServerLearnsOfAKeyWhenItMeetsItAndDoesNotAskForEachSecret() {
        Keys keys = new Keys(OLD);
        Sealer sealer = new Sealer(keys);
        byte[] old = sealer.seal("domain a", SECRET);
        byte[] strange = new Sealer(new Keys(key(3))).seal("domain b", SECRET);
        byte[] sealedElsewhere = new Sealer(new Keys(NEW)).seal("domain a", SECRET);
        keys.asked.set(0);
        for (int i = 0; i < 100; i++) {
            assertThatThrownBy(() -> sealer.open("domain b", strange)).isInstanceOf(Sealer.Shut.class);
        }
        assertThat(keys.asked).hasValueLessThan(5);

        keys.set(NEW, OLD);
        assertThat(sealer.open("domain a", sealedElsewhere))
                .as("also right after another one was missed in vain")
                .isEqualTo(SECRET);
        keys.set(key(99));
        assertThat(sealer.open("domain a", old))
                .as("while the file is being written")
                .isEqualTo(SECRET);
        assertThat(Sealer.keyId(sealer.seal("domain a", SECRET))).isEqualTo(NEW.id());
        keys.set();
        assertThat(Sealer.keyId(sealer.seal("domain a", SECRET)))
                .as("while it is gone")
                .isEqualTo(NEW.id());
    }

    @Test
    void whatWasSealedBeforeKeysHadIdsOpensWithWhicheverKeyItWas() throws Exception {
        byte[] nonce = new byte[12];
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(OLD.bytes(), "AES"), new GCMParameterSpec(128, nonce));
        cipher.updateAAD("domain a".getBytes(UTF_8));
        byte[] hidden = cipher.doFinal(SECRET);
        byte[] sealed = ByteBuffer.allocate(1 + nonce.length + hidden.length)
                .put((byte) 1)
                .put(nonce)
                .put(hidden)
                .array();
        assertThat(new Sealer(new Keys(NEW, OLD)).open("domain a", sealed)).isEqualTo(SECRET);
        assertThatThrownBy(() -> new Sealer(new Keys(NEW)).open("domain a", sealed))
                .isInstanceOf(Sealer.Shut.class)
                .hasMessageContaining("before keys had ids");
    }

    @Test
    void keysDoNotPrint() {
        assertThat(OLD.toString() + new Keys(OLD).keys() + new Sealer(new Keys(OLD)))
                .contains(OLD.id())
                .doesNotContain("0101");
        assertThat(OLD.id()).hasSize(16).isNotEqualTo(NEW.id());
        assertThat(SealingKey.random()).isNotEqualTo(SealingKey.random());
    }
}
