package io.icefield.http;

import io.icefield.access.Refusal;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// How bodies come in: at their clients' pace, but not at any pace. What is not there when it is read has a thread that
/// waits for it: few may, and fewer of one caller. A long one waits on disk until it is whole; only then does it count
/// as one of the few large ones in memory. So who sends slowly holds nothing that others need.
final class Bodies {
    /// What is longer comes in on disk.
    static final int MEMORY_BYTES_MAX = 64 << 10;

    /// Waited for or on disk, of all callers and of one; more are refused.
    static final int ARRIVING_MAX = 128;

    static final int ARRIVING_OF_ONE_MAX = 32;

    /// MiB of those that have more than one: so much is in memory at once; the others wait, but not for ever.
    static final int LARGE_MIB_MAX = 32;

    private static final Duration WAIT_MAX = Duration.ofSeconds(20);
    private static final Logger LOG = LoggerFactory.getLogger(Bodies.class);

    private final Patience patience;
    private final Semaphore large = new Semaphore(LARGE_MIB_MAX, true);
    private final Map<String, Integer> arriving = new HashMap<>();
    private int arrivingAll;

    Bodies(Patience patience) {
        this.patience = patience;
    }

    /// A whole body, plain.
    ///
    /// @param done is run when it is needed no more
    record Body(byte[] bytes, Runnable done) {
        static Body small(byte[] bytes) {
            return new Body(bytes, () -> {});
        }
    }

    /// @param sent as it comes
    /// @param length as declared; -1: unknown
    /// @param gzip packed
    /// @param bytesMax packed and unpacked
    /// @param who sends it
    /// @param ofOneMax of `who`, so many may be waited for
    Body read(InputStream sent, long length, boolean gzip, int bytesMax, String who, int ofOneMax) {
        try (Arrival arrival = new Arrival(sent, length, who, ofOneMax)) {
            byte[] start = arrival.readNBytes(MEMORY_BYTES_MAX + 1);
            if (start.length <= MEMORY_BYTES_MAX) {
                return plain(new ByteArrayInputStream(start), start.length, gzip, bytesMax);
            }
            arrival.takesPlace();
            try (FileChannel file = onDisk(start, arrival, bytesMax)) {
                arrival.leavesPlace(); // it is whole
                return plain(Channels.newInputStream(file.position(0)), file.size(), gzip, bytesMax);
            }
        } catch (ZipException e) {
            throw new Refusal.Invalid("the body is not the gzip that its `Content-Encoding` says");
        } catch (EOFException e) {
            throw new Refusal.Invalid("the body ended early");
        } catch (IOException e) { // not the client's: [Arrival] throws refusals
            LOG.error("a long request could not be kept in {}", System.getProperty("java.io.tmpdir"), e);
            throw new Refusal.Unavailable("there is no room for long requests; nothing was done: try again");
        } catch (InterruptedException e) {
            throw new Refusal.Unavailable("the server is stopping; nothing was done: try again");
        }
    }

    private static FileChannel onDisk(byte[] start, InputStream rest, int bytesMax) throws IOException {
        Path path = Files.createTempFile("icefield-", ".body"); // for its owner's eyes only
        FileChannel file = FileChannel.open(
                path, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE);
        boolean whole = false;
        try {
            OutputStream out = Channels.newOutputStream(file);
            out.write(start);
            byte[] part = new byte[MEMORY_BYTES_MAX];
            int count = rest.read(part);
            while (count > 0 && file.position() <= bytesMax) {
                out.write(part, 0, count);
                count = rest.read(part);
            }
            if (file.position() > bytesMax) {
                throw tooLarge(bytesMax);
            }
            whole = true;
            return file;
        } finally {
            if (!whole) {
                file.close();
            }
        }
    }

    private Body plain(InputStream raw, long length, boolean gzip, int bytesMax)
            throws IOException, InterruptedException {
        InputStream in = gzip ? new GZIPInputStream(raw) : raw;
        byte[] start = in.readNBytes(Math.min(bytesMax, Route.BODY_BYTES_MAX) + 1);
        if (start.length > bytesMax) {
            throw tooLarge(bytesMax);
        }
        if (start.length <= Route.BODY_BYTES_MAX) {
            return Body.small(start);
        }
        int mib = (int) (((gzip ? bytesMax : length) + (1 << 20) - 1) >> 20);
        if (!large.tryAcquire(mib, WAIT_MAX.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new Refusal.Unavailable("other large requests are being served; nothing was done: try again");
        }
        boolean kept = false;
        try {
            byte[] rest = in.readNBytes(bytesMax - start.length + 1);
            if (start.length + rest.length > bytesMax) {
                throw tooLarge(bytesMax);
            }
            byte[] all = Arrays.copyOf(start, start.length + rest.length);
            System.arraycopy(rest, 0, all, start.length, rest.length);
            kept = true;
            return new Body(all, () -> large.release(mib));
        } finally {
            if (!kept) {
                large.release(mib);
            }
        }
    }

    static Refusal tooLarge(int bytesMax) {
        return new Refusal.TooLarge("the body is too long: at most %d bytes are read".formatted(bytesMax));
    }

    synchronized int arriving() {
        return arrivingAll;
    }

    private synchronized void arrives(String who, int ofOneMax) {
        if (arrivingAll >= ARRIVING_MAX) {
            throw new Refusal.Unavailable("too many other requests are coming in; nothing was done: try again");
        }
        int own = arriving.merge(who, 1, Integer::sum);
        arrivingAll++;
        if (own > ofOneMax) {
            left(who);
            throw new Refusal.TooManyRequests(
                    "%d requests of `%s` are coming in, more at once are not read: send them one after the other"
                            .formatted(ofOneMax, who),
                    Duration.ofSeconds(1));
        }
    }

    private synchronized void left(String who) {
        arriving.computeIfPresent(who, (_, count) -> count == 1 ? null : count - 1);
        arrivingAll--;
    }

    /// What a client sends, in time.
    private final class Arrival extends FilterInputStream {
        private final long start = System.nanoTime();
        private final long length;
        private final String who;
        private final int ofOneMax;
        private long count;
        private boolean hasPlace;

        Arrival(InputStream sent, long length, String who, int ofOneMax) {
            super(sent);
            this.length = length;
            this.who = who;
            this.ofOneMax = ofOneMax;
        }

        void takesPlace() {
            if (!hasPlace) {
                arrives(who, ofOneMax);
                hasPlace = true;
            }
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int room) throws IOException {
            if (count != length && in.available() == 0) {
                takesPlace();
            }
            int now;
            try {
                now = in.read(bytes, offset, room);
            } catch (IOException e) {
                throw isTimeout(e) ? tooSlow() : new Refusal.Invalid("the body ended early");
            }
            count += Math.max(now, 0);
            if (now > 0 && System.nanoTime() - start > patience.nanos(count)) {
                throw tooSlow();
            }
            return now;
        }

        /// Not the connection.
        @Override
        public void close() {
            leavesPlace();
        }

        void leavesPlace() {
            if (hasPlace) {
                hasPlace = false;
                left(who);
            }
        }

        private static boolean isTimeout(Throwable e) {
            Throwable cause = e.getCause();
            return e instanceof TimeoutException || (cause != null && isTimeout(cause));
        }

        private static Refusal tooSlow() {
            return new Refusal.TooSlow("the body came too slowly; nothing was done: send it again");
        }
    }
}
