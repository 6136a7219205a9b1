package io.icefield.audit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;

/// What holds the log together: each decision's hash covers all that it says and the hash before it, so none can be
/// changed, added or taken out in the middle without breaking all that follow.
public final class Chain {
    /// What the first decision follows.
    public static final Link START = new Link(0, "0".repeat(64));

    /// Changes with the form of what is hashed.
    private static final int FORM = 1;

    private Chain() {}

    /// One end of the log, or any decision in it.
    ///
    /// @param hash 64 hexadecimal digits
    public record Link(long id, String hash) {}

    /// The link of the decision that comes after this one.
    public static Link next(Link before, Decision decision) {
        long id = before.id() + 1;
        return new Link(id, hash(before.hash(), id, decision));
    }

    static String hash(String before, long id, Decision decision) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(HexFormat.of().parseHex(before));
            return HexFormat.of().formatHex(digest.digest(bytes(id, decision)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /// Every text with its length, so that no two decisions have the same bytes.
    private static byte[] bytes(long id, Decision decision) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeInt(FORM);
            out.writeLong(id);
            out.writeLong(micros(decision.at()));
            out.writeLong(micros(decision.until()));
            out.writeLong(decision.count());
            Decision.Asked asked = decision.asked();
            text(out, asked.who());
            text(out, asked.engine());
            text(out, asked.action());
            text(out, asked.right());
            text(out, asked.domain());
            text(out, asked.thing());
            text(out, asked.detail());
            text(out, asked.request());
            text(out, asked.query());
            Decision.Ruling ruling = decision.ruling();
            text(out, ruling.outcome().name());
            text(out, ruling.reason());
            out.writeInt(ruling.rules().size());
            for (String rule : ruling.rules()) {
                text(out, rule);
            }
            text(out, ruling.grounds());
            out.writeBoolean(ruling.hidden());
            out.writeBoolean(ruling.absent());
            text(out, ruling.policies());
            text(out, decision.replica());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static void text(DataOutputStream out, String text) throws IOException {
        byte[] utf8 = text.getBytes(UTF_8);
        out.writeInt(utf8.length);
        out.write(utf8);
    }

    private static long micros(Instant at) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, at);
    }
}
