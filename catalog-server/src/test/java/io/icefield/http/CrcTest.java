package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class CrcTest {
    @Test
    void theSumOfTwoTextsIsThatOfBothInOne() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 500; round++) {
            byte[] all = new byte[random.nextInt(round < 490 ? 3_000 : 5_000_000)];
            random.nextBytes(all);
            int cut = random.nextInt(all.length + 1);
            byte[] first = Arrays.copyOf(all, cut);
            byte[] second = Arrays.copyOfRange(all, cut, all.length);

            assertThat(Crc.joined(Crc.of(first), Crc.of(second), second.length))
                    .as("seed %d, round %d", seed, round)
                    .isEqualTo(Crc.of(all));
        }
    }
}
