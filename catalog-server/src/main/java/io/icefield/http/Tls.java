package io.icefield.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// TLS with a certificate of our own, read anew when its files change: connections that are open keep the old one, new
/// ones get the new one. What does not fit together is not used.
public final class Tls implements Runnable {
    private static final Pattern KEY =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");
    // Of a key store that is never written; there is none without.
    private static final String PASSWORD = "in-memory";
    private static final String[] VERSIONS = {"TLSv1.3", "TLSv1.2"};
    private static final Logger LOG = LoggerFactory.getLogger(Tls.class);

    private final Pem pem;
    private final SslContextFactory.Server context = new SslContextFactory.Server();
    private Read last;

    /// @param certificate PEM, the server's first, then those that lead to its root
    /// @param key PEM of its key, `PRIVATE KEY` (PKCS #8)
    /// @param lookEvery how often both files are read
    public record Pem(Path certificate, Path key, Duration lookEvery) {
        public static final Duration LOOK_EVERY = Duration.ofSeconds(10);
    }

    private record Read(byte[] certificate, byte[] key) {
        boolean isSame(Read other) {
            return Arrays.equals(certificate, other.certificate) && Arrays.equals(key, other.key);
        }

        @Override
        public String toString() {
            return "Read[***]";
        }
    }

    /// Throws `IllegalArgumentException` with the reason why the files cannot be used.
    Tls(Pem pem) {
        this.pem = pem;
        try {
            this.last = read();
            context.setKeyStore(keyStore(last));
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalArgumentException(
                    "TLS with `%s` and `%s` cannot be: %s".formatted(pem.certificate(), pem.key(), e.getMessage()), e);
        }
        context.setKeyStorePassword(PASSWORD);
        context.setIncludeProtocols(VERSIONS);
        context.setSniRequired(false);
    }

    SslContextFactory.Server context() {
        return context;
    }

    /// Follows the files.
    @Override
    public void run() {
        try {
            while (true) {
                Thread.sleep(pem.lookEvery());
                look();
            }
        } catch (InterruptedException _) {
            // the server stops
        }
    }

    private void look() {
        try {
            Read now = read();
            if (now.isSame(last)) {
                return;
            }
            last = now; // also if it is no good: once is enough to be told
            KeyStore store = keyStore(now);
            context.reload(factory -> factory.setKeyStore(store));
            LOG.info("the certificate in {} has changed and is used from now on", pem.certificate());
        } catch (Exception e) { // what [SslContextFactory#reload] says that it throws
            LOG.error("the certificate has changed and cannot be used, the old one stays: {}", e.getMessage());
        }
    }

    private Read read() throws IOException {
        return new Read(Files.readAllBytes(pem.certificate()), Files.readAllBytes(pem.key()));
    }

    private static KeyStore keyStore(Read read) throws IOException, GeneralSecurityException {
        List<Certificate> chain = List.copyOf(CertificateFactory.getInstance("X.509")
                .generateCertificates(new ByteArrayInputStream(read.certificate())));
        if (chain.isEmpty()) {
            throw new GeneralSecurityException("there is no certificate in it");
        }
        Matcher text = KEY.matcher(new String(read.key(), UTF_8));
        if (!text.find()) {
            throw new GeneralSecurityException(
                    "the key is no `-----BEGIN PRIVATE KEY-----`; `openssl pkcs8 -topk8 -nocrypt` makes it one");
        }
        PublicKey shown = chain.getFirst().getPublicKey();
        PrivateKey key;
        try {
            key = KeyFactory.getInstance(shown.getAlgorithm())
                    .generatePrivate(
                            new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(text.group(1))));
        } catch (GeneralSecurityException e) {
            // its own words could hold some of the key
            throw new GeneralSecurityException("the key is none for a certificate of " + shown.getAlgorithm());
        }
        if (!fit(key, shown)) {
            throw new GeneralSecurityException("the key is not that of the certificate");
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry("icefield", key, PASSWORD.toCharArray(), chain.toArray(Certificate[]::new));
        return store;
    }

    private static boolean fit(PrivateKey key, PublicKey shown) throws GeneralSecurityException {
        String algorithm = shown.getAlgorithm();
        Signature signature = Signature.getInstance(
                switch (algorithm) {
                    case "RSA" -> "SHA256withRSA";
                    case "EC" -> "SHA256withECDSA";
                    default -> algorithm;
                });
        byte[] sample = new byte[32];
        new SecureRandom().nextBytes(sample);
        signature.initSign(key);
        signature.update(sample);
        byte[] signed = signature.sign();
        signature.initVerify(shown);
        signature.update(sample);
        return signature.verify(signed);
    }
}
