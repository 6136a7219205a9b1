package io.icefield.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/// PostgreSQL refuses to run as root. As root it is started in a user namespace, where root is nobody in
/// particular but
/// keeps its files; where namespaces are forbidden (as in most containers), as the user `nobody`, who then owns
/// the
/// data.
record RootShim(List<String> prefix, boolean asNobody) {
    private static final String NOBODY = "nobody";
    private static final Duration PROBE_WAIT = Duration.ofSeconds(10);

    RootShim {
        prefix = List.copyOf(prefix);
    }

    static RootShim forServer(Path programs, Path data) throws IOException, InterruptedException {
        if (!isRoot()) {
            return new RootShim(List.of(), false);
        }
        if (works(List.of("unshare", "-U", "true"))) {
            return new RootShim(List.of("unshare", "-U"), false);
        }
        RootShim shim = new RootShim(
                List.of("setpriv", "--reuid=" + NOBODY, "--regid=" + groupOfNobody(), "--clear-groups"), true);
        Path home = Objects.requireNonNull(data.getParent());
        Files.createDirectories(home);
        // Others may pass through the home to reach the data, but still cannot list it; its secrets are 0600.
        Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwx--x--x"));
        for (Path needed : List.of(programs.resolve("bin/postgres"), home)) {
            List<String> test = new ArrayList<>(shim.prefix());
            test.addAll(List.of("test", "-x", needed.toString()));
            if (!works(test)) {
                throw new MeshException("""
                        PostgreSQL does not run as root, and the user `%s` cannot reach `%s`; run Icefield as another user, or choose \
                        folders that every user can enter with --home and ICEFIELD_CACHE""".formatted(NOBODY, needed));
            }
        }
        return shim;
    }

    /// Makes the server's user the owner of a file or an empty folder.
    void give(Path file) throws IOException {
        if (asNobody) {
            UserPrincipal nobody =
                    file.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(NOBODY);
            Files.setOwner(file, nobody);
        }
    }

    private static boolean isRoot() throws IOException {
        return Files.isDirectory(Path.of("/proc/self"))
                && Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
    }

    private static String groupOfNobody() throws IOException {
        try (var users = Files.lines(Path.of("/etc/passwd"))) {
            return users.map(line -> line.split(":"))
                    .filter(fields -> fields.length > 3 && fields[0].equals(NOBODY))
                    .map(fields -> fields[3])
                    .findFirst()
                    .orElse("65534");
        }
    }

    private static boolean works(List<String> command) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor(PROBE_WAIT) && process.exitValue() == 0;
        } catch (IOException _) {
            return false; // no such program
        }
    }
}
