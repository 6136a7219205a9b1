package io.icefield.escape;

import static io.icefield.escape.Attempt.Outcome.ALLOWED;
import static io.icefield.escape.Attempt.Outcome.CONTAINED;
import static io.icefield.escape.Attempt.Outcome.REFUSED;
import static io.icefield.escape.Attempt.Sender.MASKED;
import static io.icefield.escape.Attempt.Sender.NEIGHBOUR;
import static io.icefield.escape.Attempt.Sender.NOBODY;
import static io.icefield.escape.Attempt.Sender.READER;
import static io.icefield.escape.Attempt.Sender.STRANGER;
import static io.icefield.escape.Attempt.Sender.WRITER;
import static io.icefield.escape.World.CANARIES;
import static io.icefield.escape.World.ORDERS;
import static io.icefield.escape.World.OTHER_DOMAIN;
import static io.icefield.escape.World.OWN;
import static io.icefield.escape.World.SIBLING;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.escape.Attempt.Outcome;
import io.icefield.escape.Attempt.Sender;
import io.icefield.escape.Attempt.Way;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/// All attempts, and the controls: what must work, or refusals would prove nothing.
final class Attempts {
    private static final Way VENDED = new Way.Vended();
    private static final Way SIGNED = new Way.Signed();
    private static final Way BARE = new Way.Bare();
    private static final Way CATALOG = new Way.Catalog();
    private static final String SCRATCH = "/alpha/core/orders/scratch/";
    private static final String EVIL = "/alpha/core/orders2/data/evil";

    /// Says who it is, and signs nothing.
    private static final String FORGED = "Authorization: AWS4-HMAC-SHA256 Credential={root}/{plain-scope}, "
            + "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" + "0".repeat(64);

    private static final String DELETION = "/alpha?delete";
    private static final String STAGE = "X-Iceberg-Access-Delegation: vended-credentials";

    private final List<Attempt> all = new ArrayList<>();

    private Attempts() {}

    static List<Attempt> controls() {
        Attempts list = new Attempts();
        Ask put = Ask.put(SCRATCH + "a").with("mine");
        for (Way way : List.of(VENDED, SIGNED)) {
            list.add("control", "write inside", WRITER, way, put, ALLOWED);
            list.add("control", "read inside", WRITER, way, Ask.get(SCRATCH + "a"), ALLOWED);
            list.add("control", "look inside", WRITER, way, Ask.of("HEAD", SCRATCH + "a"), ALLOWED);
            list.add("control", "copy inside", WRITER, way, copy(SCRATCH + "copy", SCRATCH + "a"), ALLOWED);
            list.add(
                    "control",
                    "list inside",
                    WRITER,
                    way,
                    Ask.get("/alpha?list-type=2&prefix=core%2Forders%2F"),
                    ALLOWED);
            list.add("control", "delete inside", WRITER, way, Ask.of("DELETE", SCRATCH + "copy"), ALLOWED);
            list.add("control", "bulk delete inside", WRITER, way, deletion("core/orders/scratch/a"), ALLOWED);
            list.add("control", "begin an upload inside", WRITER, way, Ask.of("POST", SCRATCH + "b?uploads"), ALLOWED);
            list.add("control", "read inside", READER, way, Ask.get(OWN), ALLOWED);
        }
        list.add(
                "control",
                "presigned read inside",
                WRITER,
                new Way.Presigned(Duration.ZERO, Duration.ofMinutes(5)),
                Ask.get(OWN),
                ALLOWED);
        list.add(
                "control",
                "a neighbour lists inside",
                NEIGHBOUR,
                VENDED,
                Ask.get("/alpha?list-type=2&prefix=core%2Forders2%2Fmetadata%2F"),
                ALLOWED);
        list.add("control", "a masked table, loaded without a key", MASKED, CATALOG, Ask.get(people("")), ALLOWED);
        list.add("control", "renewed keys", READER, CATALOG, Ask.get(ORDERS + "/credentials"), ALLOWED);
        return list.all;
    }

    static List<Attempt> all() {
        Attempts list = new Attempts();
        list.everyVerbOnEveryCanary();
        list.readersWrite();
        list.spellings();
        list.listings();
        list.copies();
        list.uploads();
        list.bulkDeletions();
        list.parameters();
        list.buckets();
        list.headers();
        list.sts();
        list.signatures();
        list.tampering();
        list.people();
        list.expired();
        return list.all;
    }

    private void add(String area, String name, Sender sender, Way way, Ask ask, Outcome outcome) {
        all.add(new Attempt(
                area,
                "%s: %s, %s, %s".formatted(area, name, sender.principal(), way.word()),
                sender,
                way,
                ask,
                outcome));
    }

    /// By a writer's key, and by the server's signature.
    private void both(String area, String name, Ask ask, Outcome outcome) {
        add(area, name, WRITER, VENDED, ask, outcome);
        add(area, name, WRITER, SIGNED, ask, outcome);
    }

    // ---- words

    static Ask copy(String to, String from) {
        return Ask.of("PUT", to, "x-amz-copy-source: " + from);
    }

    static Ask deletion(String... keys) {
        StringBuilder xml = new StringBuilder("<Delete>");
        for (String key : keys) {
            xml.append("<Object><Key>").append(key).append("</Key></Object>");
        }
        return deletionOf(xml + "</Delete>");
    }

    private static Ask deletionOf(String xml) {
        String md5 = Base64.getEncoder().encodeToString(md5(xml.getBytes(UTF_8)));
        return Ask.of("POST", DELETION, "Content-MD5: " + md5).with(xml);
    }

    private static byte[] md5(byte[] bytes) {
        try {
            return MessageDigest.getInstance("MD5").digest(bytes);
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static String key(String address) {
        return URLDecoder.decode(address.substring(address.indexOf('/', 1) + 1), UTF_8);
    }

    private static String people(String more) {
        return ORDERS.replace("orders", "people") + more;
    }

    private static String name(String canary) {
        return canary.substring(canary.lastIndexOf('/') + 1);
    }

    // ---- the grid

    private static Map<String, Ask> verbs(String target) {
        Map<String, Ask> verbs = new LinkedHashMap<>();
        verbs.put("GET", Ask.get(target));
        verbs.put("GET of a range", Ask.get(target, "Range: bytes=0-9"));
        verbs.put("HEAD", Ask.of("HEAD", target));
        verbs.put("PUT", Ask.put(target));
        verbs.put("DELETE", Ask.of("DELETE", target));
        verbs.put("copy in", copy(SCRATCH + "stolen-" + name(target), target));
        verbs.put("copy out", copy(target, OWN));
        verbs.put("begin an upload", Ask.of("POST", target + "?uploads"));
        return verbs;
    }

    private void everyVerbOnEveryCanary() {
        for (String canary : CANARIES) {
            verbs(canary).forEach((verb, ask) -> {
                both("every verb on every object around", verb + " " + name(canary), ask, REFUSED);
                if (verb.equals("GET") || verb.equals("copy in")) {
                    add("every verb on every object around", verb + " " + name(canary), READER, VENDED, ask, REFUSED);
                }
            });
            if (canary.startsWith("/alpha/")) {
                both(
                        "every verb on every object around",
                        "bulk delete " + name(canary),
                        deletion(key(canary)),
                        REFUSED);
            }
        }
        verbs(OWN).forEach((verb, ask) -> {
            if (!verb.equals("copy in")) {
                add("a neighbour's key", verb, NEIGHBOUR, VENDED, ask, REFUSED);
            }
        });
        add("a neighbour's key", "bulk delete", NEIGHBOUR, VENDED, deletion(key(OWN)), REFUSED);
        add(
                "a neighbour's key",
                "copy to its own",
                NEIGHBOUR,
                VENDED,
                copy("/alpha/core/orders2/scratch", OWN),
                REFUSED);
        add(
                "a neighbour's key",
                "list",
                NEIGHBOUR,
                VENDED,
                Ask.get("/alpha?list-type=2&prefix=core%2Forders%2F"),
                REFUSED);
    }

    private void readersWrite() {
        for (Way way : List.of(VENDED, SIGNED)) {
            String area = "a reader writes";
            verbs(OWN).forEach((verb, ask) -> {
                if (!verb.startsWith("GET") && !verb.equals("HEAD") && !verb.equals("copy out")) {
                    add(area, verb, READER, way, ask, REFUSED);
                }
            });
            add(area, "a new object", READER, way, Ask.put(SCRATCH + "new"), REFUSED);
            add(area, "copy inside", READER, way, copy(SCRATCH + "new", OWN), REFUSED);
            add(area, "bulk delete", READER, way, deletion(key(OWN)), REFUSED);
            add(
                    area,
                    "part of another's upload",
                    READER,
                    way,
                    Ask.put(SCRATCH + "own-upload?partNumber=1&uploadId={own-upload}"),
                    REFUSED);
            add(
                    area,
                    "completes another's upload",
                    READER,
                    way,
                    Ask.of("POST", SCRATCH + "own-upload?uploadId={own-upload}").with("<CompleteMultipartUpload/>"),
                    REFUSED);
            add(
                    area,
                    "ends another's upload",
                    READER,
                    way,
                    Ask.of("DELETE", SCRATCH + "own-upload?uploadId={own-upload}"),
                    REFUSED);
            add(area, "tags", READER, way, Ask.put(OWN + "?tagging").with("<Tagging><TagSet/></Tagging>"), REFUSED);
        }
        add(
                "a reader lists",
                "its table",
                READER,
                VENDED,
                Ask.get("/alpha?list-type=2&prefix=core%2Forders%2F"),
                REFUSED);
        add("a reader lists", "the bucket", READER, VENDED, Ask.get("/alpha"), REFUSED);
        add(
                "a reader lists",
                "with a header named prefix",
                READER,
                VENDED,
                Ask.get("/alpha?list-type=2", "prefix: core/orders/"),
                REFUSED);
        add("a reader lists", "versions", READER, VENDED, Ask.get("/alpha?versions&prefix=core%2Forders%2F"), REFUSED);
        add("a reader lists", "uploads", READER, VENDED, Ask.get("/alpha?uploads&prefix=core%2Forders%2F"), REFUSED);
    }

    // ---- one object, many spellings

    private void spellings() {
        String tail = "/data/secret-sibling";
        List<String> paths = List.of(
                "/alpha/core/orders/../orders2" + tail,
                "/alpha/core/orders/%2e%2e/orders2" + tail,
                "/alpha/core/orders/%2E%2E%2Forders2%2Fdata%2Fsecret-sibling",
                "/alpha/core/orders/%252e%252e/orders2" + tail,
                "/alpha/core/orders/%25252e%25252e/orders2" + tail,
                "/alpha/core/orders/..%2forders2" + tail,
                "/alpha/core/orders/.%2e/orders2" + tail,
                "/alpha/core/orders//../orders2" + tail,
                "/alpha/core/orders/./../orders2" + tail,
                "/alpha/core/orders/x/../../orders2" + tail,
                "/alpha/core/orders/..;/orders2" + tail,
                "/alpha/core/orders/..%5corders2%5cdata%5csecret-sibling",
                "/alpha/core/orders/..\\orders2\\data\\secret-sibling",
                "/alpha/core/orders/..%00/orders2" + tail,
                "/alpha/core/orders/%c0%ae%c0%ae/orders2" + tail,
                "/alpha/core/orders/%e2%80%a5/orders2" + tail,
                "/alpha/core/orders/%ef%bc%8e%ef%bc%8e/orders2" + tail,
                "/alpha/core/orders%2f..%2forders2" + tail,
                "/alpha/core/orders/../../../beta/core/orders/data/secret-other-domain",
                "/alpha/core/orders/..%2f..%2f..%2fbeta%2fcore%2forders%2fdata%2fsecret-other-domain",
                "/beta/../alpha/core/orders2" + tail,
                "/alpha/../beta/core/orders/data/secret-other-domain",
                "/alpha%2f..%2fbeta/core/orders/data/secret-other-domain",
                "//alpha/core/orders2" + tail,
                "/alpha//core/orders2" + tail,
                "/alpha/./core/orders2" + tail,
                "/./alpha/core/orders2" + tail,
                "/alpha/core/orders2//data/secret-sibling",
                "/alpha/core/orders2/data/secret-sibling/",
                "/alpha/core/orders2/data/secret-sibling%00",
                "/alpha/core/orders2/data/secret-sibling%20",
                "/alpha/core/orders2/data/secret-sibling#/core/orders/",
                "/alpha/core/orders2/data/secret-sibling;/core/orders/x",
                "/alpha/core/orders%32/data/secret-sibling",
                "/alpha/core/*/data/secret-sibling",
                "/alpha/core/orders*/data/secret-sibling",
                "/alpha/core/order%3F2/data/secret-sibling",
                "/alpha/$%7Baws:username%7D/secret-sibling",
                "/*/core/orders2/data/secret-sibling",
                "/ALPHA/core/orders2/data/secret-sibling",
                "/alpha/CORE/orders/data/own");
        for (String path : paths) {
            for (String method : List.of("GET", "PUT", "DELETE")) {
                both(
                        "spellings of a path",
                        method + " " + path,
                        method.equals("PUT") ? Ask.put(path) : Ask.of(method, path),
                        CONTAINED);
            }
        }
    }

    private void listings() {
        String own = "core%2Forders%2F";
        List<String> outside = List.of(
                "/alpha",
                "/alpha/",
                "/alpha?list-type=2",
                "/alpha?list-type=1&prefix=core%2F",
                "/alpha?list-type=2&prefix=",
                "/alpha?list-type=2&prefix=c",
                "/alpha?list-type=2&prefix=core%2F",
                "/alpha?list-type=2&prefix=core%2Forders",
                "/alpha?list-type=2&prefix=core%2Forders2%2F",
                "/alpha?list-type=2&prefix=core%2Forders&delimiter=%2F",
                "/alpha?list-type=2&prefix=core%2F&delimiter=%2F",
                "/alpha?list-type=2&delimiter=" + own,
                "/alpha?list-type=2&Prefix=" + own,
                "/alpha?list-type=2&prefix=core%2F&PREFIX=" + own,
                "/alpha?list-type=2&s3:prefix=" + own,
                "/alpha?list-type=2&prefix%00=" + own,
                "/alpha?list-type=2&prefix=%2Fcore%2Forders2%2F",
                "/alpha?list-type=2&prefix=core%2Forders*",
                "/alpha?list-type=2&prefix=*",
                "/alpha?list-type=2&start-after=core%2Forders2",
                "/alpha?list-type=2&metadata=true&prefix=core%2F",
                "/alpha?marker=core%2Forders%2F",
                "/alpha?versions",
                "/alpha?versions&prefix=core%2Forders2%2F",
                "/alpha?versions&prefix=" + own + "&key-marker=core%2F",
                "/alpha?uploads",
                "/alpha?uploads&prefix=core%2Forders2%2F",
                "/alpha?events=s3:ObjectCreated:*&prefix=",
                "/beta",
                "/beta?list-type=2&prefix=" + own,
                "/beta?list-type=2&prefix=core%2F",
                "/beta?versions",
                "/beta?uploads");
        for (String target : outside) {
            both("listings", target, Ask.get(target), REFUSED);
        }
        List<String> odd = List.of(
                "/",
                "/?max-buckets=10",
                "/alpha?list-type=2&prefix=&prefix=" + own,
                "/alpha?list-type=2&prefix=" + own + "&prefix=",
                "/alpha?list-type=2&prefix=core%2F&prefix=" + own,
                "/alpha?list-type=2&prefix=core%2Forders%2F..%2F",
                "/alpha?list-type=2&prefix=core%2Forders%2F..%2Forders2%2F",
                "/alpha?list-type=2&prefix=core%2Forders%2F%2E%2E%2Forders2%2F",
                "/alpha?list-type=2&prefix=core%2Forders%2F%252e%252e%2Forders2%2F",
                "/alpha?list-type=2&prefix=" + own + "&start-after=core%2Forders2",
                "/alpha?list-type=2&prefix=" + own + "&start-after=",
                "/alpha?list-type=2&prefix=" + own + "&continuation-token=Y29yZS9vcmRlcnMyLw%3D%3D",
                "/alpha?list-type=2&prefix=" + own + "&delimiter=o",
                "/alpha?list-type=2&prefix=" + own + "&max-keys=100000000",
                "/alpha?prefix=" + own + "&marker=core%2F",
                "/alpha?location");
        for (String target : odd) {
            both("listings", target, Ask.get(target), CONTAINED);
        }
        for (String prefix : List.of("", "&prefix=", "&prefix=core%2F", "&prefix=core%2Forders2%2F")) {
            add(
                    "listings",
                    "a header named prefix" + prefix,
                    WRITER,
                    VENDED,
                    Ask.get("/alpha?list-type=2" + prefix, "prefix: core/orders/"),
                    REFUSED);
        }
        add(
                "listings",
                "a header named delimiter",
                WRITER,
                VENDED,
                Ask.get("/alpha?list-type=2", "delimiter: /", "s3:prefix: core/orders/"),
                REFUSED);
        add(
                "listings",
                "a header named x-amz-prefix",
                WRITER,
                VENDED,
                Ask.get("/alpha?list-type=2", "x-amz-prefix: core/orders/"),
                REFUSED);
        add("listings", "HEAD of a bucket", WRITER, VENDED, Ask.of("HEAD", "/beta"), REFUSED);
        add(
                "listings",
                "a zip's inside",
                WRITER,
                VENDED,
                Ask.get("/alpha?list-type=2&prefix=core%2Forders2%2Fx.zip%2F", "x-minio-extract: true"),
                REFUSED);
    }

    private void copies() {
        List<String> sources = List.of(
                SIBLING.substring(1),
                "/alpha/core/orders/../orders2/data/secret-sibling",
                "/alpha/core/orders/%2e%2e/orders2/data/secret-sibling",
                "/alpha/core/orders/%252e%252e/orders2/data/secret-sibling",
                "alpha%2Fcore%2Forders2%2Fdata%2Fsecret-sibling",
                "%2Falpha%2Fcore%2Forders2%2Fdata%2Fsecret-sibling",
                SIBLING + "?versionId=null",
                SIBLING + "?versionId=",
                "//alpha/core/orders2/data/secret-sibling",
                "/alpha//core/orders2/data/secret-sibling",
                "/alpha/./core/orders2/data/secret-sibling",
                "arn:aws:s3:::alpha/core/orders2/data/secret-sibling",
                "http://127.0.0.1/alpha/core/orders2/data/secret-sibling",
                OTHER_DOMAIN.substring(1),
                "/alpha/core/orders/../../../beta/core/orders/data/secret-other-domain",
                "/alpha/.s3proxy-mpu-stub-{upload}",
                "/alpha/.mpus-{upload}-core/orders2/data/secret-upload-1",
                "/.minio.sys/multipart/{upload}",
                "/.minio.sys/config/config.json",
                "");
        int number = 0;
        for (String source : sources) {
            both("copies", "from `" + source + "`", copy(SCRATCH + "stolen-" + number++, source), REFUSED);
        }
        Ask part = Ask.of("PUT", SCRATCH + "own-upload?partNumber=2&uploadId={own-upload}");
        for (String source : List.of(SIBLING, OTHER_DOMAIN, "/alpha/core/orders/../orders2/data/secret-sibling")) {
            both("copies", "a part from " + source, part.and("x-amz-copy-source: " + source), REFUSED);
            both(
                    "copies",
                    "a part of a part from " + source,
                    part.and("x-amz-copy-source: " + source, "x-amz-copy-source-range: bytes=0-9"),
                    REFUSED);
        }
        both(
                "copies",
                "two sources",
                Ask.of("PUT", SCRATCH + "stolen", "x-amz-copy-source: " + OWN, "x-amz-copy-source: " + SIBLING),
                CONTAINED);
        both(
                "copies",
                "two sources, the other first",
                Ask.of("PUT", SCRATCH + "stolen", "x-amz-copy-source: " + SIBLING, "x-amz-copy-source: " + OWN),
                CONTAINED);
        both(
                "copies",
                "with metadata replaced",
                copy(SCRATCH + "stolen", SIBLING).and("x-amz-metadata-directive: REPLACE"),
                REFUSED);
        both(
                "copies",
                "if it matches",
                copy(SCRATCH + "stolen", SIBLING).and("x-amz-copy-source-if-none-match: \"x\""),
                REFUSED);
        both("copies", "of a GET", Ask.get(OWN, "x-amz-copy-source: " + SIBLING), CONTAINED);
        both(
                "copies",
                "rename",
                Ask.of("PUT", SCRATCH + "stolen?renameObject", "x-amz-rename-source: " + SIBLING),
                CONTAINED);
    }

    private void uploads() {
        String theirs = "/alpha/core/orders2/data/secret-upload";
        String mine = SCRATCH + "own-upload";
        Ask complete = Ask.of("POST", mine + "?uploadId={upload}")
                .with(
                        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>");
        both("uploads in parts", "a part of another's", Ask.put(theirs + "?partNumber=1&uploadId={upload}"), REFUSED);
        both(
                "uploads in parts",
                "a part of another's under an own name",
                Ask.put(mine + "?partNumber=1&uploadId={upload}"),
                CONTAINED);
        both("uploads in parts", "parts of another's", Ask.get(theirs + "?uploadId={upload}"), REFUSED);
        both(
                "uploads in parts",
                "parts of another's under an own name",
                Ask.get(mine + "?uploadId={upload}"),
                CONTAINED);
        both("uploads in parts", "completes another's", complete.at(theirs + "?uploadId={upload}"), REFUSED);
        both("uploads in parts", "completes another's under an own name", complete, CONTAINED);
        both(
                "uploads in parts",
                "completes its own under another name",
                complete.at("/alpha/core/orders2/data/evil?uploadId={own-upload}"),
                REFUSED);
        both("uploads in parts", "ends another's", Ask.of("DELETE", theirs + "?uploadId={upload}"), REFUSED);
        both(
                "uploads in parts",
                "ends another's under an own name",
                Ask.of("DELETE", mine + "?uploadId={upload}"),
                CONTAINED);
        both(
                "uploads in parts",
                "an id that climbs",
                Ask.put(mine + "?partNumber=1&uploadId=..%2F..%2Forders2%2Fdata"),
                CONTAINED);
        for (String id : List.of(
                "x%2Fy",
                "x%2F..%2Fcore%2Forders2%2Fdata%2Fevil",
                "x%2F..%2F..%2Fbeta%2Fcore%2Forders%2Fevil",
                "x%2Fy%2F..%2F..%2Fcore%2Forders2%2Fdata%2Fsecret-sibling%00")) {
            both(
                    "uploads in parts",
                    "an id that makes a folder and climbs, " + id,
                    Ask.put(mine + "?partNumber=1&uploadId=" + id),
                    CONTAINED);
        }
        both("uploads in parts", "a stub of the store", Ask.get("/alpha/.s3proxy-mpu-stub-{upload}"), REFUSED);
        both(
                "uploads in parts",
                "a part of the store",
                Ask.get("/alpha/.mpus-{upload}-core/orders2/data/secret-upload-1"),
                REFUSED);
        both(
                "uploads in parts",
                "a form",
                Ask.of("POST", "/alpha", "Content-Type: multipart/form-data; boundary=x")
                        .with(
                                "--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\ncore/orders2/data/evil\r\n--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nevil\r\n--x--\r\n"),
                REFUSED);
    }

    private void bulkDeletions() {
        for (String key : List.of(
                "core/orders/../orders2/data/secret-sibling",
                "core/orders/./../orders2/data/secret-sibling",
                "core/orders//../orders2/data/secret-sibling",
                "core/orders/x/../../orders2/data/secret-sibling",
                "/core/orders2/data/secret-sibling",
                "./core/orders2/data/secret-sibling",
                "core/orders2//data/secret-sibling",
                "core/orders2/data/",
                "core/orders2",
                "core/",
                "",
                "*",
                "core/orders*/data/secret-sibling",
                "../beta/core/orders/data/secret-other-domain",
                "core/orders/../../../beta/core/orders/data/secret-other-domain",
                "core/orders/&#x2e;&#x2e;/orders2/data/secret-sibling",
                "core/orders/%2e%2e/orders2/data/secret-sibling",
                "core/orders/..\\orders2\\data\\secret-sibling",
                "core/orders2/data/secret-sibling ",
                " core/orders2/data/secret-sibling")) {
            both("bulk deletions", "`" + key + "`", deletion(key), CONTAINED);
        }
        both(
                "bulk deletions",
                "one inside, one outside",
                deletion("core/orders/scratch/none", key(SIBLING)),
                CONTAINED);
        both(
                "bulk deletions",
                "one object, two keys",
                deletionOf("<Delete><Object><Key>core/orders/scratch/none</Key><Key>" + key(SIBLING)
                        + "</Key></Object></Delete>"),
                CONTAINED);
        both(
                "bulk deletions",
                "a version",
                deletionOf(
                        "<Delete><Object><Key>" + key(SIBLING) + "</Key><VersionId>null</VersionId></Object></Delete>"),
                REFUSED);
        both(
                "bulk deletions",
                "an entity",
                deletionOf("<!DOCTYPE d [<!ENTITY e \"" + key(SIBLING)
                        + "\">]><Delete><Object><Key>&e;</Key></Object></Delete>"),
                REFUSED);
        both(
                "bulk deletions",
                "a file of the server",
                deletionOf(
                        "<!DOCTYPE d [<!ENTITY e SYSTEM \"file:///etc/hostname\">]><Delete><Object><Key>&e;</Key></Object></Delete>"),
                REFUSED);
        both("bulk deletions", "of another bucket", deletion(key(OTHER_DOMAIN)).at("/beta?delete"), REFUSED);
        both(
                "bulk deletions",
                "quietly",
                deletionOf("<Delete><Quiet>true</Quiet><Object><Key>" + key(SIBLING) + "</Key></Object></Delete>"),
                CONTAINED);
        both("bulk deletions", "by force", deletion("core/").and("x-minio-force-delete: true"), CONTAINED);
    }

    private void parameters() {
        for (String parameter : List.of(
                "acl",
                "tagging",
                "attributes",
                "versionId=null",
                "retention",
                "legal-hold",
                "torrent",
                "partNumber=1",
                "response-content-type=text/html",
                "uploadId=x",
                "lambdaArn=x",
                "annotation")) {
            both(
                    "parameters of an object",
                    "GET ?" + parameter,
                    Ask.get(SIBLING + "?" + parameter, "x-amz-object-attributes: ETag,ObjectSize"),
                    REFUSED);
        }
        for (String parameter : List.of("acl", "tagging", "retention", "legal-hold", "encryption", "renameObject")) {
            both(
                    "parameters of an object",
                    "PUT ?" + parameter,
                    Ask.put(SIBLING + "?" + parameter, "x-amz-acl: public-read")
                            .with(parameter.equals("acl") ? "" : "<Tagging><TagSet/></Tagging>"),
                    REFUSED);
        }
        both("parameters of an object", "DELETE ?tagging", Ask.of("DELETE", SIBLING + "?tagging"), REFUSED);
        both("parameters of an object", "DELETE ?versionId", Ask.of("DELETE", SIBLING + "?versionId=null"), REFUSED);
        both(
                "parameters of an object",
                "select",
                Ask.of("POST", SIBLING + "?select&select-type=2")
                        .with(
                                "<SelectObjectContentRequest><Expression>SELECT * FROM S3Object</Expression><ExpressionType>SQL</ExpressionType><InputSerialization><CSV/></InputSerialization><OutputSerialization><CSV/></OutputSerialization></SelectObjectContentRequest>"),
                REFUSED);
        both(
                "parameters of an object",
                "restore",
                Ask.of("POST", SIBLING + "?restore").with("<RestoreRequest><Days>1</Days></RestoreRequest>"),
                REFUSED);
        both(
                "parameters of an object",
                "an own object for everybody",
                Ask.put(OWN + "?acl", "x-amz-acl: public-read"),
                REFUSED);
    }

    private void buckets() {
        for (String parameter : List.of(
                "policy",
                "acl",
                "cors",
                "lifecycle",
                "versioning",
                "tagging",
                "encryption",
                "notification",
                "replication",
                "logging",
                "website",
                "object-lock",
                "publicAccessBlock",
                "policyStatus",
                "inventory&id=x",
                "accelerate",
                "requestPayment")) {
            add("settings of a bucket", "GET ?" + parameter, WRITER, VENDED, Ask.get("/alpha?" + parameter), REFUSED);
        }
        String policy =
                "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::alpha/*\"}]}";
        for (String bucket : List.of("alpha", "beta")) {
            both(
                    "settings of a bucket",
                    "PUT ?policy of " + bucket,
                    Ask.put("/" + bucket + "?policy").with(policy),
                    REFUSED);
            both(
                    "settings of a bucket",
                    "PUT ?acl of " + bucket,
                    Ask.put("/" + bucket + "?acl", "x-amz-acl: public-read"),
                    REFUSED);
            both(
                    "settings of a bucket",
                    "PUT ?versioning of " + bucket,
                    Ask.put("/" + bucket + "?versioning")
                            .with("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"),
                    REFUSED);
            both(
                    "settings of a bucket",
                    "PUT ?lifecycle of " + bucket,
                    Ask.put("/" + bucket + "?lifecycle")
                            .with(
                                    "<LifecycleConfiguration><Rule><ID>x</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>"),
                    REFUSED);
            both(
                    "settings of a bucket",
                    "PUT ?notification of " + bucket,
                    Ask.put("/" + bucket + "?notification").with("<NotificationConfiguration/>"),
                    REFUSED);
            both(
                    "settings of a bucket",
                    "DELETE ?policy of " + bucket,
                    Ask.of("DELETE", "/" + bucket + "?policy"),
                    REFUSED);
            both("settings of a bucket", "DELETE of " + bucket, Ask.of("DELETE", "/" + bucket), REFUSED);
            both(
                    "settings of a bucket",
                    "DELETE of " + bucket + " by force",
                    Ask.of("DELETE", "/" + bucket, "x-minio-force-delete: true"),
                    REFUSED);
            both("settings of a bucket", "PUT of " + bucket, Ask.of("PUT", "/" + bucket), REFUSED);
        }
        both("settings of a bucket", "a new bucket", Ask.of("PUT", "/gamma"), REFUSED);
        both("settings of a bucket", "the store's own bucket", Ask.get("/.minio.sys?list-type=2"), REFUSED);
    }

    private void headers() {
        String area = "headers";
        for (String header : List.of(
                "X-HTTP-Method-Override: DELETE",
                "X-Original-URL: /alpha/core/orders/data/own",
                "X-Rewrite-URL: /alpha/core/orders/data/own",
                "X-Forwarded-Prefix: /alpha/core/orders/",
                "X-Amz-Bypass-Governance-Retention: true",
                "x-minio-source-replication-request: true",
                "x-minio-source-proxy-request: true",
                "x-minio-internal-x: y",
                "x-amz-expected-bucket-owner: x",
                "x-amz-request-payer: requester",
                "x-minio-extract: true",
                "x-id: GetObject")) {
            both(area, header, Ask.get(SIBLING, header), REFUSED);
        }
        for (String header :
                List.of("X-Original-URL: " + SIBLING, "X-Rewrite-URL: " + SIBLING, "X-HTTP-Method-Override: DELETE")) {
            both(area, header + " inside", Ask.get(OWN, header), CONTAINED);
        }
        add(
                area,
                "a bucket in the host",
                WRITER,
                VENDED,
                Ask.get("/core/orders2/data/secret-sibling", "Host: alpha.{host}"),
                REFUSED);
        add(
                area,
                "another bucket in the host",
                WRITER,
                VENDED,
                Ask.get("/core/orders/data/secret-other-domain", "Host: beta.{host}"),
                REFUSED);
        add(
                area,
                "an own bucket in the host, another in the path",
                WRITER,
                VENDED,
                Ask.get(OTHER_DOMAIN, "Host: alpha.{host}"),
                REFUSED);
        add(area, "two hosts", WRITER, VENDED, Ask.get(SIBLING, "Host: {host}", "Host: alpha.{host}"), REFUSED);
        add(area, "an absolute address", WRITER, VENDED, Ask.get("http://{host}" + SIBLING), REFUSED);
        both(area, "everybody may read a new object", Ask.put(SCRATCH + "public", "x-amz-acl: public-read"), CONTAINED);
        add(area, "everybody reads the new object", NOBODY, BARE, Ask.get(SCRATCH + "public"), REFUSED);
        both(
                area,
                "full control for everybody",
                Ask.put(
                        SCRATCH + "public",
                        "x-amz-grant-full-control: uri=http://acs.amazonaws.com/groups/global/AllUsers"),
                CONTAINED);
        both(area, "redirects", Ask.put(SCRATCH + "moved", "x-amz-website-redirect-location: " + SIBLING), CONTAINED);
        add(area, "reads the redirection", WRITER, VENDED, Ask.get(SCRATCH + "moved"), CONTAINED);
        for (String prefix : List.of("core/orders2/data/", "core/orders/../orders2/data/", "core/orders/", "/", "..")) {
            Ask tar = Ask.of(
                            "PUT",
                            SCRATCH + "x.tar",
                            "x-amz-meta-snowball-auto-extract: true",
                            "x-amz-meta-minio-snowball-prefix: " + prefix)
                    .with(tar(
                            "evil",
                            "../evil",
                            "../../orders2/data/evil",
                            "../orders2/data/secret-sibling",
                            "/alpha/core/orders2/data/evil",
                            "core/orders2/data/evil"));
            both(area, "an archive unpacked below " + prefix, tar, CONTAINED);
        }
        both(
                area,
                "an archive unpacked",
                Ask.of("PUT", SCRATCH + "x.tar", "x-amz-meta-snowball-auto-extract: true")
                        .with(tar("core/orders2/data/evil", "evil", "../evil")),
                CONTAINED);
        both(
                area,
                "a folder deleted by force",
                Ask.of("DELETE", "/alpha/core/orders2", "x-minio-force-delete: true"),
                REFUSED);
        both(
                area,
                "a beginning of a name deleted by force",
                Ask.of("DELETE", "/alpha/core/orders", "x-minio-force-delete: true"),
                REFUSED);
        both(
                area,
                "a parent deleted by force",
                Ask.of("DELETE", "/alpha/core/orders/scratch/../../", "x-minio-force-delete: true"),
                CONTAINED);
        both(area, "a token twice", Ask.get(SIBLING, "x-amz-security-token: x"), REFUSED);
    }

    /// One chunk, and its checksum after it.
    private static byte[] chunked(byte[] body) {
        CRC32 crc = new CRC32();
        crc.update(body);
        String sum = Base64.getEncoder()
                .encodeToString(
                        ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes((Integer.toHexString(body.length) + "\r\n").getBytes(UTF_8));
        out.writeBytes(body);
        out.writeBytes(("\r\n0\r\nx-amz-checksum-crc32:" + sum + "\r\n\r\n").getBytes(UTF_8));
        return out.toByteArray();
    }

    private static byte[] tar(String... names) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(out)) {
            for (String name : names) {
                TarArchiveEntry entry = new TarArchiveEntry(name, true);
                entry.setSize(4);
                tar.putArchiveEntry(entry);
                tar.write("evil".getBytes(UTF_8));
                tar.closeArchiveEntry();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    // ---- more keys

    private void sts() {
        Way sts = new Way.Odd("us-east-1", "sts", Duration.ZERO);
        String wide = Sigv4.encoded(
                "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"arn:aws:s3:::*\"}]}");
        String role = "&RoleArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Arole%2Ficefield&RoleSessionName=again";
        for (String action : List.of(
                "AssumeRole" + role,
                "AssumeRole" + role + "&Policy=" + wide,
                "AssumeRole&DurationSeconds=604800" + role,
                "GetSessionToken",
                "GetFederationToken&Name=x&Policy=" + wide,
                "AssumeRoleWithWebIdentity&WebIdentityToken=x" + role,
                "AssumeRoleWithSAML&SAMLAssertion=x" + role,
                "AssumeRoleWithCustomToken&Token=x" + role,
                "AssumeRoleWithLDAPIdentity&LDAPUsername=x&LDAPPassword=x",
                "AssumeRoleWithCertificate",
                "AssumeRoot&TargetPrincipal=x")) {
            for (Sender sender : List.of(WRITER, READER)) {
                add(
                        "more keys",
                        action.replaceFirst("&.*", "")
                                + (action.contains("Policy")
                                        ? " with a policy"
                                        : action.contains("Duration") ? " for long" : ""),
                        sender,
                        sts,
                        Ask.of("POST", "/", "Content-Type: application/x-www-form-urlencoded")
                                .with("Version=2011-06-15&Action=" + action),
                        REFUSED);
            }
        }
        for (String path : List.of(
                "accountinfo",
                "info",
                "list-users",
                "list-service-accounts",
                "list-access-keys-bulk?listType=all",
                "export-iam",
                "export-bucket-metadata?bucket=beta",
                "get-config",
                "storageinfo",
                "datausageinfo",
                "inspect-data?volume=beta&file=core",
                "list-canned-policies",
                "trace",
                "log")) {
            add(
                    "more keys",
                    "administration: " + path,
                    WRITER,
                    VENDED,
                    Ask.get("/minio/admin/v3/" + path),
                    path.equals("accountinfo") ? CONTAINED : REFUSED);
        }
        for (String path : List.of(
                "/minio/v2/metrics/cluster",
                "/minio/metrics/v3",
                "/minio/prometheus/metrics",
                "/minio/storage/v1",
                "/minio/kms/v1/status",
                "/_status",
                "/admin")) {
            add("more keys", "administration: " + path, WRITER, VENDED, Ask.get(path), REFUSED);
        }
        add(
                "more keys",
                "ends an account of the root's",
                WRITER,
                VENDED,
                Ask.of("DELETE", "/minio/admin/v3/delete-service-account?accessKey=" + Admin.VICTIM),
                REFUSED);
        add(
                "more keys",
                "reads an account of the root's",
                WRITER,
                VENDED,
                Ask.get("/minio/admin/v3/info-service-account?accessKey=" + Admin.VICTIM),
                REFUSED);
        add(
                "more keys",
                "changes an account of the root's",
                WRITER,
                new Way.Admin(),
                Ask.of("POST", "/minio/admin/v3/update-service-account?accessKey=" + Admin.VICTIM)
                        .with("{\"newSecretKey\":\"" + Admin.SECRET_KEY + "\"}"),
                REFUSED);
        add(
                "more keys",
                "a service account",
                WRITER,
                new Way.Admin(),
                Ask.of("PUT", "/minio/admin/v3/add-service-account")
                        .with("{\"accessKey\":\"" + Admin.ACCESS_KEY + "\",\"secretKey\":\"" + Admin.SECRET_KEY
                                + "\"}"),
                REFUSED);
        add(
                "more keys",
                "a service account for the root",
                WRITER,
                new Way.Admin(),
                Ask.of("PUT", "/minio/admin/v3/add-service-account")
                        .with("{\"targetUser\":\"minioroot\",\"accessKey\":\"" + Admin.ACCESS_KEY
                                + "\",\"secretKey\":\"" + Admin.SECRET_KEY + "\"}"),
                REFUSED);
        add(
                "more keys",
                "a user",
                WRITER,
                new Way.Admin(),
                Ask.of("PUT", "/minio/admin/v3/add-user?accessKey=evil")
                        .with("{\"secretKey\":\"" + Admin.SECRET_KEY + "\",\"status\":\"enabled\"}"),
                REFUSED);
        add("more keys", "the service account reads", NOBODY, new Way.Admin(), Ask.get(SIBLING), REFUSED);
    }

    private void signatures() {
        String area = "signatures";
        for (Sender sender : List.of(WRITER, READER)) {
            add(
                    area,
                    "another region",
                    sender,
                    new Way.Odd("eu-west-1", "s3", Duration.ZERO),
                    Ask.get(SIBLING),
                    REFUSED);
            add(
                    area,
                    "another service",
                    sender,
                    new Way.Odd("us-east-1", "sts", Duration.ZERO),
                    Ask.get(SIBLING),
                    REFUSED);
            add(
                    area,
                    "of yesterday",
                    sender,
                    new Way.Odd("us-east-1", "s3", Duration.ofDays(-1)),
                    Ask.get(OWN),
                    REFUSED);
            add(area, "of tomorrow", sender, new Way.Odd("us-east-1", "s3", Duration.ofDays(1)), Ask.get(OWN), REFUSED);
            for (String canary : List.of(SIBLING, OTHER_DOMAIN)) {
                for (String method : List.of("GET", "PUT", "DELETE")) {
                    add(
                            area,
                            "presigned " + method + " " + name(canary),
                            sender,
                            new Way.Presigned(Duration.ZERO, Duration.ofMinutes(5)),
                            Ask.of(method, canary),
                            REFUSED);
                }
            }
            add(
                    area,
                    "presigned, too late",
                    sender,
                    new Way.Presigned(Duration.ofMinutes(-20), Duration.ofSeconds(1)),
                    Ask.get(OWN),
                    REFUSED);
            add(
                    area,
                    "presigned for too long",
                    sender,
                    new Way.Presigned(Duration.ZERO, Duration.ofDays(8)),
                    Ask.get(SIBLING),
                    REFUSED);
            add(
                    area,
                    "presigned listing",
                    sender,
                    new Way.Presigned(Duration.ZERO, Duration.ofMinutes(5)),
                    Ask.get("/alpha?list-type=2&prefix=core%2F"),
                    REFUSED);
        }
        for (String target : List.of(
                "/",
                "/alpha",
                "/beta",
                OWN,
                SIBLING,
                OTHER_DOMAIN,
                "/alpha?list-type=2&prefix=core%2Forders%2F",
                OWN + "?X-Amz-Algorithm=none",
                OWN + "?AWSAccessKeyId=x&Signature=y&Expires=9999999999")) {
            add(area, "none, GET " + target, NOBODY, BARE, Ask.get(target), REFUSED);
        }
        Ask trailer = Ask.of(
                        "PUT",
                        EVIL + "?X-Amz-Credential={root}%2F{scope}",
                        "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                        "x-amz-decoded-content-length: 4",
                        "content-encoding: aws-chunked",
                        "x-amz-trailer: x-amz-checksum-crc32")
                .with(chunked("evil".getBytes(UTF_8)));
        add(area, "none, a name in the query and a trailer", NOBODY, BARE, trailer, REFUSED);
        add(
                area,
                "invented, with a trailer",
                NOBODY,
                BARE,
                trailer.at(EVIL).and(FORGED, "x-amz-date: {date}"),
                REFUSED);
        byte[] tar = tar("core/orders2/data/evil");
        Ask archive = Ask.of(
                        "PUT",
                        EVIL,
                        "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                        "x-amz-decoded-content-length: " + tar.length,
                        "x-amz-meta-snowball-auto-extract: true")
                .with(tar);
        add(area, "invented, with an archive", NOBODY, BARE, archive.and(FORGED, "x-amz-date: {date}"), REFUSED);
        for (String header : List.of(
                "Authorization: AWS x:y",
                "Authorization: Bearer x",
                "Authorization: Basic bWluaW9yb290OnJvb3Q=",
                "Authorization: AWS4-HMAC-SHA256 Credential=x",
                "Authorization: AWS4-ECDSA-P256-SHA256 x",
                "Authorization: ")) {
            add(
                    area,
                    header,
                    NOBODY,
                    BARE,
                    Ask.get(SIBLING, header, "x-amz-content-sha256: UNSIGNED-PAYLOAD"),
                    REFUSED);
        }
        for (String method :
                List.of("PUT", "DELETE", "POST", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "COPY", "MOVE")) {
            add(
                    area,
                    "none, " + method,
                    NOBODY,
                    BARE,
                    Ask.of(method, SIBLING),
                    method.equals("OPTIONS") ? CONTAINED : REFUSED);
        }
    }

    private record Change(String name, Ask signed, Ask sent) {}

    /// Something inside is signed, something else is sent.
    private void tampering() {
        String area = "signed, then changed";
        Ask get = Ask.get(OWN);
        Ask put = Ask.of("PUT", SCRATCH + "t");
        Ask list = Ask.get("/alpha?list-type=2&prefix=core%2Forders%2F");
        Ask inside = deletion("core/orders/scratch/none");
        List<Change> changes = List.of(
                new Change("another object", get, get.at(SIBLING)),
                new Change("another bucket", get, get.at("/beta/core/orders/data/secret-other-domain")),
                new Change("a step up", get, get.at("/alpha/core/orders/../orders2/data/secret-sibling")),
                new Change("an encoded step up", get, get.at("/alpha/core/orders/%2e%2e/orders2/data/secret-sibling")),
                new Change("deletes", get, Ask.of("DELETE", OWN)),
                new Change("writes", get, Ask.put(OWN)),
                new Change("a parameter", get, get.at(OWN + "?acl")),
                new Change("a version", get, get.at(OWN + "?versionId=null")),
                new Change("the bucket", list, list.at("/alpha?list-type=2")),
                new Change("the parent", list, list.at("/alpha?list-type=2&prefix=core%2F")),
                new Change("the prefix twice", list, list.at("/alpha?list-type=2&prefix=core%2Forders%2F&prefix=")),
                new Change("another bucket's list", list, list.at("/beta?list-type=2&prefix=core%2Forders%2F")),
                new Change("version 1", list, list.at("/alpha?prefix=core%2Forders%2F")),
                new Change("a copy", put, put.and("x-amz-copy-source: " + SIBLING)),
                new Change("a copy from another bucket", put, put.and("x-amz-copy-source: " + OTHER_DOMAIN)),
                new Change("a public object", put, put.and("x-amz-acl: public-read")),
                new Change("written outside", put, Ask.put(SIBLING)),
                new Change(
                        "a part from outside",
                        Ask.of("PUT", SCRATCH + "own-upload?partNumber=3&uploadId={own-upload}"),
                        Ask.of(
                                "PUT",
                                SCRATCH + "own-upload?partNumber=3&uploadId={own-upload}",
                                "x-amz-copy-source: " + SIBLING)),
                new Change("another deletion", inside, deletion(key(SIBLING))),
                new Change(
                        "another deletion of the same length",
                        deletion("core/orders/scratch/none-abcdef"),
                        deletion("core/orders2/data/secret-sibling")),
                new Change("a deletion in another bucket", inside, inside.at("/beta?delete")),
                new Change(
                        "an archive",
                        put,
                        put.and(
                                        "x-amz-meta-snowball-auto-extract: true",
                                        "x-amz-meta-minio-snowball-prefix: core/orders2/data/")
                                .with(tar("evil"))),
                new Change(
                        "by force",
                        Ask.of("DELETE", SCRATCH + "t"),
                        Ask.of("DELETE", "/alpha/core/orders", "x-minio-force-delete: true")));
        for (Change change : changes) {
            // These add something that stays inside, if the store takes it at all.
            boolean stays =
                    List.of("a public object", "an archive", "the prefix twice").contains(change.name());
            add(
                    area,
                    change.name(),
                    WRITER,
                    new Way.Tampered(change.signed()),
                    change.sent(),
                    stays ? CONTAINED : REFUSED);
        }
    }

    private void people() {
        String area = "no key for them";
        String sign =
                "{\"region\":\"us-east-1\",\"method\":\"GET\",\"uri\":\"http://{host}/alpha/core/%s/metadata/x\",\"headers\":{}}";
        for (String staged : List.of("vended-credentials", "remote-signing", "vended-credentials,remote-signing")) {
            add(
                    area,
                    "loads with " + staged,
                    MASKED,
                    CATALOG,
                    Ask.get(people(""), "X-Iceberg-Access-Delegation: " + staged),
                    REFUSED);
            add(
                    area,
                    "loads with " + staged,
                    STRANGER,
                    CATALOG,
                    Ask.get(ORDERS, "X-Iceberg-Access-Delegation: " + staged),
                    REFUSED);
        }
        for (String snapshots : List.of("all", "refs")) {
            add(
                    area,
                    "loads " + snapshots,
                    MASKED,
                    CATALOG,
                    Ask.get(people("?snapshots=" + snapshots), STAGE),
                    REFUSED);
        }
        add(area, "credentials", MASKED, CATALOG, Ask.get(people("/credentials")), REFUSED);
        add(area, "sign", MASKED, CATALOG, Ask.of("POST", people("/sign")).with(sign.formatted("people")), REFUSED);
        add(
                area,
                "plan",
                MASKED,
                CATALOG,
                Ask.of("POST", people("/plan"), STAGE).with("{}"),
                REFUSED);
        add(area, "a key of another's table", MASKED, CATALOG, Ask.get(ORDERS, STAGE), REFUSED);
        add(
                area,
                "by the mesh's address",
                MASKED,
                CATALOG,
                Ask.get("/iceberg/v1/mesh/namespaces/alpha%1Fcore/tables/people/credentials"),
                REFUSED);
        add(
                area,
                "by the mesh's address",
                STRANGER,
                CATALOG,
                Ask.get("/iceberg/v1/mesh/namespaces/alpha%1Fcore/tables/orders/credentials"),
                REFUSED);
        for (Sender sender : List.of(STRANGER, NEIGHBOUR, NOBODY)) {
            add(area, "credentials", sender, CATALOG, Ask.get(ORDERS + "/credentials"), REFUSED);
            add(
                    area,
                    "sign",
                    sender,
                    CATALOG,
                    Ask.of("POST", ORDERS + "/sign").with(sign.formatted("orders")),
                    REFUSED);
            add(
                    area,
                    "plan",
                    sender,
                    CATALOG,
                    Ask.of("POST", ORDERS + "/plan", STAGE).with("{}"),
                    REFUSED);
            add(
                    area,
                    "stages a table in the folder",
                    sender,
                    CATALOG,
                    Ask.of("POST", "/iceberg/v1/alpha/namespaces/core/tables", STAGE)
                            .with(World.creation("mine", "s3://alpha/core/orders", "{}", true)),
                    REFUSED);
            add(area, "the domain's storage", sender, CATALOG, Ask.get("/api/v1/domains/beta/storage"), REFUSED);
        }
        for (Sender sender : List.of(WRITER, READER)) {
            add(area, "another table's credentials", sender, CATALOG, Ask.get(ORDERS + "2/credentials"), REFUSED);
            add(
                    area,
                    "another domain's credentials",
                    sender,
                    CATALOG,
                    Ask.get(ORDERS.replace("alpha", "beta") + "/credentials"),
                    REFUSED);
            add(
                    area,
                    "another namespace's credentials",
                    sender,
                    CATALOG,
                    Ask.get("/iceberg/v1/alpha/namespaces/vault/tables/gold/credentials"),
                    REFUSED);
            add(
                    area,
                    "another table's signature",
                    sender,
                    CATALOG,
                    Ask.of("POST", ORDERS + "2/sign").with(sign.formatted("orders2")),
                    REFUSED);
            add(
                    area,
                    "stages a table in another's folder",
                    sender,
                    CATALOG,
                    Ask.of("POST", "/iceberg/v1/alpha/namespaces/core/tables", STAGE)
                            .with(World.creation("mine", "s3://alpha/core/orders2", "{}", true)),
                    REFUSED);
        }
    }

    private void expired() {
        Way expired = new Way.Expired();
        for (String method : List.of("GET", "HEAD", "PUT", "DELETE")) {
            add("a key whose time is over", method, WRITER, expired, Ask.of(method, OWN), REFUSED);
        }
        add(
                "a key whose time is over",
                "lists",
                WRITER,
                expired,
                Ask.get("/alpha?list-type=2&prefix=core%2Forders%2F"),
                REFUSED);
        add("a key whose time is over", "copies", WRITER, expired, copy(SCRATCH + "late", OWN), REFUSED);
        add("a key whose time is over", "deletes many", WRITER, expired, deletion(key(OWN)), REFUSED);
        add("a key whose time is over", "reads", READER, expired, Ask.get(OWN), REFUSED);
    }
}
