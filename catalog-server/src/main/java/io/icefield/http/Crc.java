package io.icefield.http;

import java.util.zip.CRC32;

/// The checksum of gzip, and that of two texts in one from those of each: CRC-32 is a remainder of polynomials, so what
/// stands before a text of n bytes counts x^8n times (as in zlib's `crc32_combine`).
final class Crc {
    private static final int POLYNOMIAL = 0xEDB88320;
    private static final int ONE = 1 << 31;

    /// x to the power of 2^n.
    private static final int[] POWERS = new int[Integer.SIZE];

    static {
        POWERS[0] = 1 << 30;
        for (int n = 1; n < POWERS.length; n++) {
            POWERS[n] = product(POWERS[n - 1], POWERS[n - 1]);
        }
    }

    private Crc() {}

    static int of(byte[] text) {
        CRC32 sum = new CRC32();
        sum.update(text);
        return (int) sum.getValue();
    }

    /// @param length bytes of the second text
    static int joined(int first, int second, int length) {
        int shift = ONE;
        for (int n = 3, left = length; left != 0; n++, left >>>= 1) {
            if ((left & 1) != 0) {
                shift = product(POWERS[n & 31], shift);
            }
        }
        return product(shift, first) ^ second;
    }

    private static int product(int a, int b) {
        int product = 0;
        for (int bit = ONE, factor = b; bit != 0; bit >>>= 1) {
            if ((a & bit) != 0) {
                product ^= factor;
            }
            factor = (factor & 1) != 0 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
        }
        return product;
    }
}
