package io.icefield.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.access.Page;
import io.icefield.access.Refusal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Optional;
import java.util.zip.CRC32C;

/// Where the next page of a list starts, opaque to callers: the key of the last item, bound to its list by a checksum.
final class PageToken {
    private static final int CHARS_MAX = 4_096;

    private PageToken() {}

    /// The page a caller asks for: everything when it says nothing of pages.
    ///
    /// @param list which list it is: a token of another one is refused
    static Page.Request wanted(Call call, String list) {
        Optional<String> token = call.query("pageToken");
        Optional<String> size = call.query("pageSize");
        if (token.isEmpty() && size.isEmpty()) {
            return Page.Request.ALL;
        }
        return new Page.Request(
                token.filter(text -> !text.isEmpty())
                        .map(text -> read(text, list))
                        .orElse(""),
                size.map(PageToken::size).orElse(Page.SIZE_DEFAULT));
    }

    static String of(String key, String list) {
        byte[] bytes = key.getBytes(UTF_8);
        return Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(ByteBuffer.allocate(Integer.BYTES + bytes.length)
                        .putInt(sum(key, list))
                        .put(bytes)
                        .array());
    }

    private static String read(String token, String list) {
        try {
            if (token.length() <= CHARS_MAX) {
                ByteBuffer bytes = ByteBuffer.wrap(Base64.getUrlDecoder().decode(token));
                if (bytes.remaining() > Integer.BYTES) {
                    int sum = bytes.getInt();
                    byte[] key = new byte[bytes.remaining()];
                    bytes.get(key);
                    String text = Text.utf8(key, "`pageToken`");
                    if (sum == sum(text, list)) {
                        return text;
                    }
                }
            }
        } catch (IllegalArgumentException e) {
            // no Base64: refused below
        }
        throw new Refusal.Invalid("`pageToken` is not one that this list gave: start again without it");
    }

    private static int size(String text) {
        if (!text.matches("0{0,20}[1-9][0-9]{0,20}")) {
            throw new Refusal.Invalid("`pageSize` must be a number from 1 to %d".formatted(Page.SIZE_MAX));
        }
        return new BigInteger(text).min(BigInteger.valueOf(Page.SIZE_MAX)).intValue();
    }

    private static int sum(String key, String list) {
        CRC32C sum = new CRC32C();
        sum.update(list.getBytes(UTF_8));
        sum.update(0);
        sum.update(key.getBytes(UTF_8));
        return (int) sum.getValue();
    }
}
