package io.icefield.escape;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a server answered.
///
/// @param status 0: nothing that is HTTP
record Reply(int status, String head, byte[] body) {
    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.[01] ([0-9]{3}).*", Pattern.DOTALL);
    private static final Pattern CODE = Pattern.compile("(?:<Code>|\"Code\":\"|\"type\":\")([A-Za-z0-9.]+)");

    static Reply of(byte[] received) {
        String all = new String(received, ISO_8859_1);
        int end = all.indexOf("\r\n\r\n");
        Matcher status = STATUS.matcher(all);
        if (end < 0 || !status.matches()) {
            return new Reply(0, all, new byte[0]);
        }
        String head = all.substring(0, end);
        String body = all.substring(end + 4);
        boolean chunked = Pattern.compile("(?im)^transfer-encoding: *chunked")
                .matcher(head)
                .find();
        return new Reply(
                Integer.parseInt(status.group(1)), head, (chunked ? unchunked(body) : body).getBytes(ISO_8859_1));
    }

    private static String unchunked(String chunks) {
        StringBuilder body = new StringBuilder();
        int at = 0;
        while (true) {
            int line = chunks.indexOf("\r\n", at);
            if (line < 0) {
                return body.toString();
            }
            int length = Integer.parseInt(
                    chunks.substring(at, line).replaceFirst(";.*", "").strip(), 16);
            if (length == 0) {
                return body.toString();
            }
            int from = line + 2;
            int to = Math.min(from + length, chunks.length());
            body.append(chunks, from, to);
            at = to + 2;
        }
    }

    /// The error's; empty: there is none.
    String code() {
        Matcher code = CODE.matcher(text());
        return code.find() ? code.group(1) : "";
    }

    String text() {
        return new String(body, UTF_8);
    }

    String header(String name) {
        Matcher value = Pattern.compile("(?im)^" + Pattern.quote(name) + ": *(.*?)\\s*$")
                .matcher(head);
        return value.find() ? value.group(1) : "";
    }

    /// Nothing was done: an error, or a bulk deletion with an error for each key.
    boolean isRefusal() {
        boolean bulk = text().contains("<DeleteResult") && text().contains("<Error>") && !text().contains("<Deleted>");
        return (status >= 400 && status < 500) || status == 501 || (status == 200 && bulk);
    }

    @Override
    public String toString() {
        return code().isEmpty() ? Integer.toString(status) : status + " " + code();
    }
}
