import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/// Downloads one zip, checks its SHA-512 and unpacks it. A JDK is all it needs: no curl, no unzip.
///
/// Arguments: address, expected SHA-512 in hex, folder to create.
final class Fetch {
    private static final int TIMEOUT_MILLIS = 60_000;

    public static void main(String[] args) throws Exception {
        Path target = Path.of(args[2]);
        Files.createDirectories(target.getParent());
        Path zip = Files.createTempFile(target.getParent(), "download", ".zip");
        Path unpacked = Files.createTempDirectory(target.getParent(), "unpacked");
        try {
            String sha512 = download(URI.create(args[0]), zip);
            if (!sha512.equals(args[1])) {
                throw new IOException("SHA-512 of %s is %s, expected %s".formatted(args[0], sha512, args[1]));
            }
            unzip(zip, unpacked);
            try {
                Files.move(unpacked, target, StandardCopyOption.ATOMIC_MOVE);
            } catch (IOException e) {
                if (!Files.isDirectory(target)) { // else another build was faster, which is as good
                    throw e;
                }
            }
        } finally {
            Files.deleteIfExists(zip);
        }
    }

    private static String download(URI from, Path to) throws Exception {
        URLConnection connection = from.toURL().openConnection();
        connection.setConnectTimeout(TIMEOUT_MILLIS);
        connection.setReadTimeout(TIMEOUT_MILLIS);
        MessageDigest sha512 = MessageDigest.getInstance("SHA-512");
        long total = Math.max(1, connection.getContentLengthLong());
        boolean terminal = System.console() != null && System.console().isTerminal();
        try (InputStream in = connection.getInputStream();
                OutputStream out = Files.newOutputStream(to)) {
            byte[] buffer = new byte[1 << 16];
            long done = 0;
            for (int n; (n = in.read(buffer)) > 0; ) {
                out.write(buffer, 0, n);
                sha512.update(buffer, 0, n);
                done += n;
                if (terminal && done * 50 / total > (done - n) * 50 / total) {
                    System.err.printf("\rMaven: %d of %d KiB", done >> 10, total >> 10);
                }
            }
            System.err.printf(terminal ? "%n" : "Maven: %d KiB downloaded%n", done >> 10);
        }
        return HexFormat.of().formatHex(sha512.digest());
    }

    /// Leaves out the archive's one top folder.
    private static void unzip(Path zip, Path into) throws IOException {
        try (ZipInputStream in = new ZipInputStream(Files.newInputStream(zip))) {
            for (ZipEntry entry; (entry = in.getNextEntry()) != null; ) {
                Path name = Path.of(entry.getName());
                if (entry.isDirectory() || name.getNameCount() < 2) {
                    continue;
                }
                Path file = into.resolve(name.subpath(1, name.getNameCount())).normalize();
                if (!file.startsWith(into)) {
                    throw new IOException("`%s` leaves its archive".formatted(entry.getName()));
                }
                Files.createDirectories(file.getParent());
                Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }
}
