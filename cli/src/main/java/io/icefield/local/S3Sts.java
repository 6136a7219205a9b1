package io.icefield.local;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.local.S3Sessions.Issued;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.StringWriter;
import java.net.URLDecoder;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/// STS, as much of it as hands out keys for one folder: `AssumeRole` with a session policy, asked by the root key. A
/// session key cannot ask for another one, and a session without a policy does not exist.
final class S3Sts {
    private static final String NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/";
    private static final int BODY_BYTES_MAX = 32_768;
    private static final Duration SKEW_MAX = Duration.ofMinutes(15);
    private static final Duration LIFETIME_DEFAULT = Duration.ofHours(1);
    private static final Duration LIFETIME_MIN = Duration.ofMinutes(15);
    private static final Duration LIFETIME_MAX = Duration.ofHours(12);
    private static final DateTimeFormatter AMZ_DATE = DateTimeFormatter.ofPattern("uuuuMMdd'T'HHmmss'Z'");
    private static final Pattern AUTHORIZATION =
            Pattern.compile("AWS4-HMAC-SHA256 Credential=([^/, ]+)/(\\d{8})/([^/, ]+)/sts/aws4_request, ?"
                    + "SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})");
    private static final Pattern ROLE_ARN = Pattern.compile("arn:[\\w+=,.@:/-]{1,2000}");
    private static final Pattern SESSION_NAME = Pattern.compile("[\\w+=,.@-]{2,64}");

    private final Map<String, String> roots;
    private final S3Sessions sessions;

    /// @param roots secrets of the root keys, by their names; they may change
    S3Sts(Map<String, String> roots, S3Sessions sessions) {
        this.roots = roots;
        this.sessions = sessions;
    }

    /// What STS answers instead.
    private static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;
        private final int status;
        private final String code;

        Refused(int status, String code, String message) {
            super(message);
            this.status = status;
            this.code = code;
        }
    }

    void answer(HttpServletRequest request, HttpServletResponse response) throws IOException {
        int status = 200;
        String document;
        try {
            byte[] body = request.getInputStream().readNBytes(BODY_BYTES_MAX + 1);
            if (body.length > BODY_BYTES_MAX) {
                throw new Refused(413, "RequestEntityTooLarge", "the request is too large");
            }
            authenticate(request, body);
            document = issued(assumeRole(form(body)));
        } catch (Refused refused) {
            status = refused.status;
            document = error(refused);
        }
        byte[] bytes = document.getBytes(UTF_8);
        response.setStatus(status);
        response.setContentType("text/xml");
        response.setContentLength(bytes.length);
        response.getOutputStream().write(bytes);
    }

    private Issued assumeRole(Map<String, String> form) throws Refused {
        if (!"AssumeRole".equals(form.get("Action"))) {
            throw new Refused(400, "InvalidAction", "this STS knows AssumeRole only");
        }
        if (!ROLE_ARN.matcher(form.getOrDefault("RoleArn", "")).matches()) {
            throw new Refused(400, "ValidationError", "RoleArn is not an ARN");
        }
        if (!SESSION_NAME.matcher(form.getOrDefault("RoleSessionName", "")).matches()) {
            throw new Refused(400, "ValidationError", "RoleSessionName is not valid");
        }
        for (String name : form.keySet()) {
            if (!List.of("Action", "Version", "RoleArn", "RoleSessionName", "DurationSeconds", "Policy", "ExternalId")
                    .contains(name)) {
                throw new Refused(400, "ValidationError", "a parameter is not understood here");
            }
        }
        Duration lifetime = lifetime(form);
        String policy = form.getOrDefault("Policy", "");
        try {
            S3Policy.parse(policy);
        } catch (IllegalArgumentException e) {
            throw new Refused(400, "MalformedPolicyDocument", String.valueOf(e.getMessage()));
        }
        return sessions.issue(policy, lifetime);
    }

    private static Duration lifetime(Map<String, String> form) throws Refused {
        String text = form.get("DurationSeconds");
        if (text == null) {
            return LIFETIME_DEFAULT;
        }
        if (text.matches("\\d{1,6}")) {
            Duration asked = Duration.ofSeconds(Long.parseLong(text));
            if (asked.compareTo(LIFETIME_MIN) >= 0 && asked.compareTo(LIFETIME_MAX) <= 0) {
                return asked;
            }
        }
        throw new Refused(400, "ValidationError", "DurationSeconds is not between 900 and 43200");
    }

    // --- Signature Version 4

    private void authenticate(HttpServletRequest request, byte[] body) throws Refused {
        String header = request.getHeader("Authorization");
        if (header == null) {
            throw new Refused(403, "MissingAuthenticationToken", "the request is not signed");
        }
        Matcher signed = AUTHORIZATION.matcher(header);
        if (!signed.matches()) {
            throw new Refused(
                    400, "IncompleteSignature", "the Authorization header is not Signature Version 4 for sts");
        }
        if (request.getHeader("x-amz-security-token") != null) {
            throw new Refused(403, "AccessDenied", "a session key cannot ask for another one");
        }
        String secret = roots.get(signed.group(1));
        if (secret == null) {
            throw new Refused(403, "InvalidClientTokenId", "there is no such access key");
        }
        String date = String.valueOf(request.getHeader("x-amz-date"));
        requireFresh(date, signed.group(2));
        List<String> names = Arrays.asList(signed.group(4).split(";", -1));
        if (!names.containsAll(List.of("host", "x-amz-date"))) {
            throw new Refused(403, "SignatureDoesNotMatch", "host and x-amz-date are not signed");
        }
        String canonical = "POST\n/\n"
                + (request.getQueryString() == null ? "" : request.getQueryString())
                + "\n"
                + names.stream()
                        .map(name -> name + ":" + value(request, name) + "\n")
                        .collect(Collectors.joining())
                + "\n"
                + signed.group(4)
                + "\n"
                + hex(sha256(body));
        String scope = "%s/%s/sts/aws4_request".formatted(signed.group(2), signed.group(3));
        String text = "AWS4-HMAC-SHA256\n%s\n%s\n%s".formatted(date, scope, hex(sha256(canonical.getBytes(UTF_8))));
        byte[] key = ("AWS4" + secret).getBytes(UTF_8);
        for (String part : List.of(signed.group(2), signed.group(3), "sts", "aws4_request", text)) {
            key = hmac(key, part);
        }
        if (!MessageDigest.isEqual(hex(key).getBytes(UTF_8), signed.group(5).getBytes(UTF_8))) {
            throw new Refused(403, "SignatureDoesNotMatch", "the signature is not that of this request");
        }
    }

    /// Against the machine's own time, as in S3: this guards against replays, it is not a matter of lifetimes.
    private static void requireFresh(String date, String scopeDate) throws Refused {
        try {
            Instant at = LocalDateTime.parse(date, AMZ_DATE).toInstant(ZoneOffset.UTC);
            Duration off = Duration.between(at, Clock.systemUTC().instant()).abs();
            if (date.startsWith(scopeDate) && off.compareTo(SKEW_MAX) <= 0) {
                return;
            }
        } catch (DateTimeException notADate) {
            // the same answer
        }
        throw new Refused(403, "SignatureDoesNotMatch", "the signature is too old, too new or has no date");
    }

    private static String value(HttpServletRequest request, String name) {
        return Collections.list(request.getHeaders(name)).stream()
                .map(text -> text.strip().replaceAll(" +", " "))
                .collect(Collectors.joining(","));
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK has no SHA-256", e);
        }
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK has no HMAC", e);
        }
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    private static Map<String, String> form(byte[] body) throws Refused {
        Map<String, String> form = new HashMap<>();
        for (String pair : new String(body, UTF_8).split("&", -1)) {
            String[] sides = pair.split("=", 2);
            try {
                String before = form.put(
                        URLDecoder.decode(sides[0], UTF_8), sides.length < 2 ? "" : URLDecoder.decode(sides[1], UTF_8));
                if (before != null) {
                    throw new Refused(400, "ValidationError", "a parameter is given twice");
                }
            } catch (IllegalArgumentException e) {
                throw new Refused(400, "ValidationError", "the form is not readable");
            }
        }
        return form;
    }

    // --- answers

    private static String issued(Issued key) {
        return xml("AssumeRoleResponse", out -> {
            out.writeStartElement("AssumeRoleResult");
            out.writeStartElement("AssumedRoleUser");
            element(out, "Arn", "arn:aws:sts::000000000000:assumed-role/icefield/" + key.accessKey());
            element(out, "AssumedRoleId", key.accessKey());
            out.writeEndElement();
            out.writeStartElement("Credentials");
            element(out, "AccessKeyId", key.accessKey());
            element(out, "SecretAccessKey", key.secretKey());
            element(out, "SessionToken", key.token());
            element(out, "Expiration", key.expiresAt().toString());
            out.writeEndElement();
            out.writeEndElement();
            out.writeStartElement("ResponseMetadata");
            element(out, "RequestId", S3Door.requestId());
            out.writeEndElement();
        });
    }

    private static String error(Refused refused) {
        return xml("ErrorResponse", out -> {
            out.writeStartElement("Error");
            element(out, "Type", "Sender");
            element(out, "Code", refused.code);
            element(out, "Message", String.valueOf(refused.getMessage()));
            out.writeEndElement();
            element(out, "RequestId", S3Door.requestId());
        });
    }

    private interface Content {
        void write(XMLStreamWriter out) throws XMLStreamException;
    }

    private static String xml(String root, Content content) {
        StringWriter text = new StringWriter();
        try {
            XMLStreamWriter out = XMLOutputFactory.newFactory().createXMLStreamWriter(text);
            out.writeStartDocument();
            out.writeStartElement(root);
            out.writeDefaultNamespace(NAMESPACE);
            content.write(out);
            out.writeEndElement();
            out.writeEndDocument();
            out.flush();
        } catch (XMLStreamException e) {
            throw new IllegalStateException("XML cannot be written", e);
        }
        return text.toString();
    }

    private static void element(XMLStreamWriter out, String name, String text) throws XMLStreamException {
        out.writeStartElement(name);
        out.writeCharacters(text);
        out.writeEndElement();
    }
}
