package io.icefield.http;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.Deflater;

/// Bodies around a long text that many answers share, as metadata is: it is neither copied nor compressed for each of
/// them. A gzip'd one is a single member, whose blocks are what is around the text, as it is, and the text as it was
/// deflated once; so every client reads it.
final class Splices {
    private static final long DEFLATED_BYTES_MAX = 32L << 20;
    private static final int ENTRY_OVERHEAD_BYTES = 256;
    private static final int SUMS_MAX = 10_000;
    private static final int STORED_BYTES_MAX = 65_535;
    private static final byte[] GZIP_HEADER = {0x1F, (byte) 0x8B, Deflater.DEFLATED, 0, 0, 0, 0, 0, 0, (byte) 0xFF};

    // Weak keys are compared by identity: whoever keeps the text keeps what was made of it, and an array that was not
    // seen before is never taken for another.
    private final Cache<byte[], byte[]> deflated = Caffeine.newBuilder()
            .weakKeys()
            .maximumWeight(DEFLATED_BYTES_MAX)
            .weigher((byte[] _, byte[] blocks) -> ENTRY_OVERHEAD_BYTES + blocks.length)
            .build();
    private final Cache<byte[], Integer> sums =
            Caffeine.newBuilder().weakKeys().maximumSize(SUMS_MAX).build();

    /// Checksum of a text that is shared.
    int sum(byte[] shared) {
        return sums.get(shared, Crc::of);
    }

    /// `head`, `shared` and `tail` in one.
    Spliced of(byte[] head, byte[] shared, byte[] tail) {
        return new Spliced(head, shared, tail);
    }

    /// A body in parts.
    final class Spliced {
        private final byte[] head;
        private final byte[] shared;
        private final byte[] tail;

        private Spliced(byte[] head, byte[] shared, byte[] tail) {
            this.head = head;
            this.shared = shared;
            this.tail = tail;
        }

        /// The same bytes, plain or gzip'd, in parts to be written one after the other.
        byte[][] parts(boolean gzip) {
            if (!gzip) {
                return new byte[][] {head, shared, tail};
            }
            byte[] trailer = ByteBuffer.allocate(2 * Integer.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(sum(head, shared, tail))
                    .putInt(head.length + shared.length + tail.length)
                    .array();
            return new byte[][] {
                GZIP_HEADER, stored(head, false), deflated.get(shared, Splices::deflate), stored(tail, true), trailer
            };
        }
    }

    /// The sum of the long text is known; only what is around it is read.
    private int sum(byte[] head, byte[] shared, byte[] tail) {
        int begun = Crc.joined(Crc.of(head), sum(shared), shared.length);
        return Crc.joined(begun, Crc.of(tail), tail.length);
    }

    /// Blocks of which none is the last, ending at a byte's end.
    private static byte[] deflate(byte[] text) {
        Deflater deflater = new Deflater(Deflater.BEST_SPEED, true);
        try {
            deflater.setInput(text);
            ByteArrayOutputStream blocks = new ByteArrayOutputStream(text.length / 8 + ENTRY_OVERHEAD_BYTES);
            byte[] buffer = new byte[1 << 14];
            int length;
            do {
                length = deflater.deflate(buffer, 0, buffer.length, Deflater.SYNC_FLUSH);
                blocks.write(buffer, 0, length);
            } while (length == buffer.length);
            return blocks.toByteArray();
        } finally {
            deflater.end();
        }
    }

    /// Deflate's blocks of bytes as they are.
    private static byte[] stored(byte[] bytes, boolean last) {
        int blocks = Math.max(1, (bytes.length + STORED_BYTES_MAX - 1) / STORED_BYTES_MAX);
        ByteBuffer out = ByteBuffer.allocate(bytes.length + 5 * blocks).order(ByteOrder.LITTLE_ENDIAN);
        for (int block = 0, from = 0; block < blocks; block++) {
            int length = Math.min(STORED_BYTES_MAX, bytes.length - from);
            out.put((byte) (last && block == blocks - 1 ? 1 : 0));
            out.putShort((short) length).putShort((short) ~length).put(bytes, from, length);
            from += length;
        }
        return out.array();
    }
}
