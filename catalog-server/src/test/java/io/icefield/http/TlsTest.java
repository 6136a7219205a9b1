package io.icefield.http;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The server with certificates of its own, made here by the JDK's `keytool`.
class TlsTest {
    private static final Duration LOOK_EVERY = Duration.ofMillis(50);
    private static final Patience SHORT = new Patience(Duration.ofSeconds(2), Duration.ofSeconds(1), 1 << 20);

    @TempDir
    Path folder;

    private Made made;
    private RunningServer mesh;

    /// A key and its self-signed certificate.
    private record Made(String certificate, String key, X509Certificate parsed) {}

    @BeforeEach
    void start() throws Exception {
        made = make("first", "EC", "-groupname", "secp256r1");
        use(made);
        mesh = serve();
    }

    @AfterEach
    void stop() {
        mesh.close();
    }

    private Tls.Pem pem() {
        return new Tls.Pem(folder.resolve("tls.crt"), folder.resolve("tls.key"), LOOK_EVERY);
    }

    private RunningServer serve() throws GeneralSecurityException, IOException {
        Protection usual = Protection.USUAL;
        return new RunningServer(
                new Protection(
                        usual.limit(),
                        usual.connectionsMax(),
                        SHORT,
                        Optional.of(pem()),
                        true,
                        List.of(),
                        Set.of(),
                        false),
                HttpClient.newBuilder().sslContext(trusting(made)));
    }

    private void use(Made next) throws IOException {
        Files.writeString(folder.resolve("tls.crt"), next.certificate());
        Files.writeString(folder.resolve("tls.key"), next.key());
    }

    private Made make(String name, String algorithm, String... more) throws Exception {
        Path file = folder.resolve(name + ".p12");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                name,
                "-keyalg",
                algorithm,
                "-dname",
                "CN=" + name,
                "-ext",
                "SAN=dns:localhost,ip:127.0.0.1",
                "-validity",
                "2",
                "-storepass",
                "changeit",
                "-keystore",
                file.toString()));
        command.addAll(List.of(more));
        Process keytool = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(keytool.getInputStream().readAllBytes(), US_ASCII);
        assertThat(keytool.waitFor(1, TimeUnit.MINUTES) && keytool.exitValue() == 0)
                .as(output)
                .isTrue();
        KeyStore store = KeyStore.getInstance(file.toFile(), "changeit".toCharArray());
        Certificate certificate = store.getCertificate(name);
        return new Made(
                pem("CERTIFICATE", certificate.getEncoded()),
                pem("PRIVATE KEY", store.getKey(name, "changeit".toCharArray()).getEncoded()),
                (X509Certificate) certificate);
    }

    private static String pem(String what, byte[] bytes) {
        return "-----BEGIN %s-----\n%s\n-----END %s-----\n"
                .formatted(what, Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes), what);
    }

    private static SSLContext trusting(Made... all) throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        for (Made each : all) {
            store.setCertificateEntry(each.parsed().getSerialNumber().toString(), each.parsed());
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return context;
    }

    /// Whose certificate a new connection is shown.
    private X509Certificate shown(Made... trusted) throws Exception {
        try (SSLSocket socket = (SSLSocket) trusting(trusted)
                .getSocketFactory()
                .createSocket(InetAddress.getLoopbackAddress(), mesh.server.port())) {
            socket.startHandshake();
            return (X509Certificate) socket.getSession().getPeerCertificates()[0];
        }
    }

    private HttpResponse<String> get(HttpClient client, String path) throws IOException, InterruptedException {
        return client.send(
                HttpRequest.newBuilder(URI.create("https://127.0.0.1:" + mesh.server.port() + path))
                        .timeout(RunningServer.PATIENCE)
                        .header("Authorization", "Bearer " + mesh.admin)
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void whoTrustsTheCertificateIsServed() throws Exception {
        try (HttpClient client =
                HttpClient.newBuilder().sslContext(trusting(made)).build()) {
            HttpResponse<String> answer = get(client, "/api/v1/domains");
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.sslSession().orElseThrow().getProtocol()).isEqualTo("TLSv1.3");
            assertThat(answer.headers().firstValue("Strict-Transport-Security")).hasValue("max-age=31536000");
        }
        Made other = make("other", "EC", "-groupname", "secp256r1");
        assertThatThrownBy(() -> shown(other)).isInstanceOf(SSLException.class);
    }

    @Test
    void rsaAndEd25519KeysWillDoAsWell() throws Exception {
        for (Made each : List.of(make("rsa", "RSA", "-keysize", "2048"), make("ed", "Ed25519"))) {
            use(each);
            SlowClientsTest.assertEventually(() -> isShown(each, each, made));
        }
    }

    private boolean isShown(Made which, Made... trusted) {
        try {
            return shown(trusted).equals(which.parsed());
        } catch (IOException e) { // the context is just being changed
            return false;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aNewCertificateIsUsedWithoutARestart() throws Exception {
        Made next = make("next", "EC", "-groupname", "secp256r1");
        try (SSLSocket open = (SSLSocket)
                trusting(made).getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), mesh.server.port())) {
            open.startHandshake();
            Files.writeString(folder.resolve("tls.crt"), next.certificate()); // half of it
            for (int i = 0; i < 10; i++) {
                assertThat(shown(made, next)).isEqualTo(made.parsed());
            }
            open.getOutputStream().write("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(US_ASCII));
            assertThat(new String(open.getInputStream().readNBytes(12), US_ASCII))
                    .isEqualTo("HTTP/1.1 200");

            use(next);
            SlowClientsTest.assertEventually(() -> isShown(next, made, next));
        }

        Files.writeString(folder.resolve("tls.key"), "nonsense");
        Files.delete(folder.resolve("tls.crt"));
        for (int i = 0; i < 10; i++) {
            assertThat(shown(made, next)).isEqualTo(next.parsed());
        }
        use(made);
        SlowClientsTest.assertEventually(() -> isShown(made, made, next));
    }

    @Test
    void filesThatCannotBeUsedStopTheStartAndTellNothingOfTheKey() throws Exception {
        Made other = make("other", "EC", "-groupname", "secp256r1");
        Made rsa = make("rsa", "RSA", "-keysize", "2048");
        String secret = other.key().lines().toList().get(1);
        record Case(String certificate, String key, String why) {}
        for (Case each : List.of(
                new Case(made.certificate(), other.key(), "the key is not that of the certificate"),
                new Case(rsa.certificate(), other.key(), "the key is none for a certificate of RSA"),
                new Case(made.certificate(), "", "the key is no `-----BEGIN PRIVATE KEY-----`"),
                new Case(
                        made.certificate(),
                        other.key().replace("PRIVATE", "EC PRIVATE"),
                        "`openssl pkcs8 -topk8 -nocrypt` makes it one"),
                new Case("", other.key(), "cannot be"))) {
            Files.writeString(folder.resolve("tls.crt"), each.certificate());
            Files.writeString(folder.resolve("tls.key"), each.key());
            assertThatThrownBy(() -> new Tls(pem()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(each.why())
                    .hasMessageContaining("tls.crt")
                    .message()
                    .doesNotContain(secret);
        }
        Files.delete(folder.resolve("tls.key"));
        assertThatThrownBy(() -> new Tls(pem())).isInstanceOf(IllegalArgumentException.class);
    }

    /// The first message of a client that offers at most this version, with the ciphers of its time.
    private static byte[] hello(int minor) {
        String ciphers = "c02bc02fc009c00ac013c014002f0035000a";
        String body = "03%02x".formatted(minor)
                + "00".repeat(32)
                + "00"
                + "%04x".formatted(ciphers.length() / 2)
                + ciphers
                + "0100"
                + "0016" // groups and formats of curves, and signatures
                + "000a000400020017"
                + "000b00020100"
                + "000d000400020403";
        String message = "01%06x".formatted(body.length() / 2) + body;
        return HexFormat.of().parseHex("1603%02x%04x".formatted(minor, message.length() / 2) + message);
    }

    private byte[] answer(byte[] bytes) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), mesh.server.port())) {
            socket.setSoTimeout((int) RunningServer.PATIENCE.toMillis());
            socket.getOutputStream().write(bytes);
            InputStream in = socket.getInputStream();
            return in.readNBytes(7);
        } catch (SocketException e) {
            return new byte[0];
        }
    }

    @Test
    void oldVersionsAreRefused() throws Exception {
        byte[] current = answer(hello(3));
        assertThat(HexFormat.of().formatHex(current))
                .as("TLS 1.2: a hello back")
                .startsWith("160303");
        for (int minor = 0; minor < 3; minor++) { // SSL 3, TLS 1.0, TLS 1.1
            byte[] alert = answer(hello(minor));
            assertThat(alert.length == 0 || alert[0] == 0x15)
                    .as("3.%d: %s", minor, HexFormat.of().formatHex(alert))
                    .isTrue();
        }
    }

    @Test
    void withoutTlsThereIsNoAnswer() throws Exception {
        byte[] answer = answer("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(US_ASCII));
        assertThat(new String(answer, US_ASCII)).doesNotContain("HTTP");
    }

    @Test
    void aHandshakeThatNeverEndsIsCutOff() throws Exception {
        long end = System.nanoTime() + RunningServer.PATIENCE.toNanos();
        byte[] hello = hello(3);
        try (Raw client = new Raw(mesh)) {
            client.send(Arrays.copyOf(hello, 5));
            client.send(new byte[] {hello[5], 0, 0x3f, -1}); // a hello of 16,383 bytes
            while (System.nanoTime() < end) {
                client.send(new byte[1]);
                LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
            }
            throw new AssertionError("the server still waits");
        } catch (IOException e) {
            assertThat(System.nanoTime()).isLessThan(end);
        }
    }
}
