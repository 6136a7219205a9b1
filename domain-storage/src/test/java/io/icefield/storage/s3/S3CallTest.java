package io.icefield.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.DomainStorage.Reach;
import io.icefield.storage.Location;
import io.icefield.storage.RequestSigner.OutOfReach;
import io.icefield.storage.RequestSigner.Unsigned;
import io.icefield.storage.StorageProfile;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What is signed for the table `crm/orders` in the bucket `sales`.
class S3CallTest {
    private static final Location ORDERS = new Location("sales", "crm/orders");
    private static final StorageProfile PATHS = profile(Optional.of("http://store:9000"), true);
    private static final StorageProfile HOSTS = profile(Optional.of("https://store"), false);
    private static final StorageProfile AMAZON = profile(Optional.empty(), false);
    private static final String AT = "http://store:9000/sales/crm/orders/";

    private static StorageProfile profile(Optional<String> endpoint, boolean pathStyle) {
        return new StorageProfile(
                new DomainName("sales"),
                "sales",
                "",
                endpoint.map(URI::create),
                Optional.empty(),
                "eu-west-1",
                pathStyle,
                "role",
                Credential.permanent("root", "secret"));
    }

    private static S3Call call(
            StorageProfile profile, String method, String uri, Map<String, List<String>> headers, String body) {
        return S3Call.of(
                profile,
                ORDERS,
                new Unsigned(
                        method, uri, "eu-west-1", headers, Optional.of(body).filter(text -> !text.isEmpty())));
    }

    private static S3Call call(String method, String uri) {
        return call(PATHS, method, uri, Map.of(), "");
    }

    private static void refused(StorageProfile profile, String method, String uri) {
        assertThatExceptionOfType(OutOfReach.class)
                .as(method + " " + uri)
                .isThrownBy(() -> call(profile, method, uri, Map.of(), ""));
    }

    // --- what clients do

    @ParameterizedTest
    @CsvSource({
        "GET, data/a.parquet, READ, true",
        "GET, data/a.parquet?x-id=GetObject, READ, true",
        "GET, data/a.parquet?partNumber=2, READ, true",
        "HEAD, metadata/v1.avro, READ, true",
        "GET, data/p=a%253Ab/x.parquet, READ, true",
        "GET, data/p=a%252Fb/x.parquet, READ, true",
        "GET, data/p=%C3%A4/x.parquet, READ, true",
        "GET, data/a%20b.parquet, READ, true",
        "PUT, data/a.parquet, READ_WRITE, false",
        "PUT, data/a.parquet?x-id=PutObject, READ_WRITE, false",
        "PUT, data/a.parquet?partNumber=1&uploadId=abc, READ_WRITE, false",
        "POST, data/a.parquet?uploads, READ_WRITE, false",
        "POST, data/a.parquet?uploads=, READ_WRITE, false",
        "POST, data/a.parquet?uploadId=abc, READ_WRITE, false",
        "GET, data/a.parquet?uploadId=abc, READ_WRITE, false",
        "DELETE, data/a.parquet, READ_WRITE, false",
        "DELETE, data/a.parquet?uploadId=abc, READ_WRITE, false"
    })
    void whatClientsDoInTheTableIsSigned(String method, String path, Reach needs, boolean reusable) {
        S3Call call = call(method, AT + path);
        assertThat(call.needs()).isEqualTo(needs);
        assertThat(call.reusable()).isEqualTo(reusable);
        assertThat(call.key()).isEqualTo(needs);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "?list-type=2&prefix=crm%2Forders%2F",
                "/?list-type=2&prefix=crm/orders/data/",
                "?prefix=crm/orders/data/a&list-type=2&max-keys=10&delimiter=%2F&encoding-type=url&fetch-owner=false",
                "?list-type=2&prefix=crm/orders/&continuation-token=a%2Bb%3D&start-after=crm/orders/x"
            })
    void aListingOfTheTableIsSignedWithAWritersKey(String path) {
        S3Call call = call("GET", "http://store:9000/sales" + path);
        assertThat(call.needs()).isEqualTo(Reach.READ);
        assertThat(call.key()).isEqualTo(Reach.READ_WRITE);
        assertThat(call.reusable()).isFalse();
    }

    @Test
    void aDeletionOfTheTablesObjectsIsSignedWithItsBody() {
        String body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
                + "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n<Quiet>true</Quiet>"
                + "<Object><Key>crm/orders/a&amp;b</Key></Object> <Object><Key>crm/orders/c</Key></Object></Delete>";
        S3Call call = call(PATHS, "POST", "http://store:9000/sales?delete", Map.of("Content-MD5", List.of("x")), body);
        assertThat(call.needs()).isEqualTo(Reach.READ_WRITE);
        assertThat(call.body()).hasValue(body);
        assertThat(call.headers()).containsKey("content-md5");
    }

    @Test
    void aCopyInsideTheTableIsSigned() {
        for (String source : List.of("sales/crm/orders/a", "/sales/crm/orders/a", "sales%2Fcrm%2Forders%2Fa")) {
            S3Call call = call(PATHS, "PUT", AT + "b", Map.of("x-amz-copy-source", List.of(source)), "");
            assertThat(call.headers()).containsEntry("x-amz-copy-source", List.of(source));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://sales.store/crm/orders/a",
                "https://SALES.Store:443/crm/orders/a",
                "https://store/sales/crm/orders/a"
            })
    void aBucketInTheHostNameIsKnownWhereTheStoreKnowsIt(String uri) {
        assertThat(call(HOSTS, "GET", uri, Map.of(), "").needs()).isEqualTo(Reach.READ);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://sales.s3.eu-west-1.amazonaws.com/crm/orders/a",
                "https://sales.s3-eu-west-1.amazonaws.com/crm/orders/a",
                "https://sales.s3.dualstack.eu-west-1.amazonaws.com/crm/orders/a",
                "https://s3.eu-west-1.amazonaws.com/sales/crm/orders/a"
            })
    void amazonsHostsAreKnown(String uri) {
        assertThat(call(AMAZON, "GET", uri, Map.of(), "").needs()).isEqualTo(Reach.READ);
    }

    // --- what nobody gets

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://store:9000/sales/crm/orders2/secret",
                "http://store:9000/sales/crm/orders",
                "http://store:9000/sales/crm/Orders/a",
                "http://store:9000/sales/crm",
                "http://store:9000/sales",
                "http://store:9000/",
                "http://store:9000",
                "http://store:9000/other/crm/orders/a",
                "http://store:9000/sales2/crm/orders/a",
                "http://store:9000/SALES/crm/orders/a",
                "http://store:9000//sales/crm/orders/a",
                "http://store:9000/sales//crm/orders/a",
                "http://store:9000/sales/crm/orders/../orders2/secret",
                "http://store:9000/sales/crm/orders/%2e%2e/orders2/secret",
                "http://store:9000/sales/crm/orders/%2E./orders2/secret",
                "http://store:9000/sales/crm/orders/x%2F..%2F..%2Forders2/secret",
                "http://store:9000/sales/crm/orders/%252e%252e/orders2/secret",
                "http://store:9000/sales/crm/orders/x%252f%252e%252e%252f%252e%252e%252forders2",
                "http://store:9000/sales/crm/orders/%25252e%25252e/orders2",
                "http://store:9000/sales/crm/orders/%2525252525252e/a",
                "http://store:9000/sales/crm/orders/./a",
                "http://store:9000/sales/crm/orders//a",
                "http://store:9000/sales/crm/orders/a/",
                "http://store:9000/sales/crm/orders/..",
                "http://store:9000/sales/../hr/crm/orders/a",
                "http://store:9000/sales/crm%2Forders2/a",
                "http://store:9000/sales/crm/orders%00/a",
                "http://store:9000/sales/crm/orders/a%00",
                "http://store:9000/sales/crm/orders/a%0d%0aHost:x",
                "http://store:9000/sales/crm/orders/a%5c..%5c..%5cb",
                "http://store:9000/sales/crm/orders/a%3Fversions",
                "http://store:9000/sales/crm/orders/a%23x",
                "http://store:9000/sales/crm/orders/a%",
                "http://store:9000/sales/crm/orders/a%zz",
                "http://store:9000/sales/crm/orders/%c0%ae%c0%ae/a",
                "http://store:9000/sales/crm/orders/a b",
                "http://store:9000/sales/crm/orders/a\\b",
                "http://store:9000/sales/crm/orders/ä",
                "http://store:9000/sales/crm/orders/a#fragment",
                "http://store:9001/sales/crm/orders/a",
                "http://store/sales/crm/orders/a",
                "https://store:9000/sales/crm/orders/a",
                "http://evil:9000/sales/crm/orders/a",
                "http://store:9000@evil/sales/crm/orders/a",
                "http://evil@store:9000/sales/crm/orders/a",
                "http://store:9000.evil/sales/crm/orders/a",
                "http://store.evil:9000/sales/crm/orders/a",
                "http://sales.store:9000/crm/orders/a",
                "http://crm.store:9000/sales/crm/orders/a",
                "ftp://store:9000/sales/crm/orders/a",
                "s3://sales/crm/orders/a",
                "/sales/crm/orders/a",
                "",
                "http://store:9000/sales/crm/orders/a?versionId=1",
                "http://store:9000/sales/crm/orders/a?versions",
                "http://store:9000/sales/crm/orders/a?acl",
                "http://store:9000/sales/crm/orders/a?ACL",
                "http://store:9000/sales/crm/orders/a?%61cl",
                "http://store:9000/sales/crm/orders/a?tagging",
                "http://store:9000/sales/crm/orders/a?attributes",
                "http://store:9000/sales/crm/orders/a?torrent",
                "http://store:9000/sales/crm/orders/a?retention",
                "http://store:9000/sales/crm/orders/a?legal-hold",
                "http://store:9000/sales/crm/orders/a?response-content-type=text%2Fhtml",
                "http://store:9000/sales/crm/orders/a?X-Amz-Signature=1",
                "http://store:9000/sales/crm/orders/a?partNumber=1&partNumber=2",
                "http://store:9000/sales/crm/orders/a?x-id=1;acl",
                "http://store:9000/sales/crm/orders/a?x-id=a+b",
                "http://store:9000/sales/crm/orders/a?&",
                "http://store:9000/sales/crm/orders/a?x-id=%",
                "http://store:9000/sales?list-type=2",
                "http://store:9000/sales?list-type=2&prefix=",
                "http://store:9000/sales?list-type=2&prefix=crm/orders",
                "http://store:9000/sales?list-type=2&prefix=crm/orders2/",
                "http://store:9000/sales?list-type=2&prefix=crm/orders/../",
                "http://store:9000/sales?list-type=2&prefix=crm/orders/%252e%252e/",
                "http://store:9000/sales?list-type=2&prefix=crm/orders//",
                "http://store:9000/sales?list-type=2&prefix=crm/orders/&prefix=",
                "http://store:9000/sales?list-type=2&Prefix=crm/orders/",
                "http://store:9000/sales?prefix=crm/orders/",
                "http://store:9000/sales?list-type=1&prefix=crm/orders/",
                "http://store:9000/sales?list-type=2&prefix=crm/orders/&marker=x",
                "http://store:9000/sales?list-type=2&prefix=crm/orders/&versions",
                "http://store:9000/sales?versions&prefix=crm/orders/",
                "http://store:9000/sales?uploads&prefix=crm/orders/",
                "http://store:9000/sales?location",
                "http://store:9000/sales?policy",
                "http://store:9000/sales?acl"
            })
    void trap37_nothingElseIsRead(String uri) {
        refused(PATHS, "GET", uri);
        refused(PATHS, "HEAD", uri);
    }

    @ParameterizedTest
    @CsvSource({
        "PUT, /sales",
        "PUT, /sales?policy",
        "PUT, /sales?versioning",
        "PUT, /sales?acl",
        "PUT, /sales/crm/orders/a?acl",
        "PUT, /sales/crm/orders/a?tagging",
        "PUT, /sales/crm/orders/a?retention",
        "PUT, /sales/crm/orders/a?legal-hold",
        "PUT, /sales/crm/orders/a?partNumber=1",
        "PUT, /sales/crm/orders2/a",
        "POST, /sales/crm/orders/a",
        "POST, /sales/crm/orders/a?select&select-type=2",
        "POST, /sales/crm/orders/a?restore",
        "POST, /sales/crm/orders/a?uploads&uploadId=1",
        "POST, /sales/crm/orders2/a?uploads",
        "POST, /sales",
        "POST, /sales?delete",
        "POST, /sales?delete&versioning",
        "DELETE, /sales",
        "DELETE, /sales?policy",
        "DELETE, /sales/crm/orders/a?tagging",
        "DELETE, /sales/crm/orders/a?versionId=3",
        "DELETE, /sales/crm/orders2/a",
        "PATCH, /sales/crm/orders/a",
        "OPTIONS, /sales/crm/orders/a",
        "TRACE, /sales/crm/orders/a",
        "get, /sales/crm/orders/a",
        "HEAD, /sales",
        "HEAD, /sales?list-type=2&prefix=crm/orders/",
        "'GET ', /sales/crm/orders/a",
    })
    void trap37_nothingElseIsDone(String method, String path) {
        refused(PATHS, method, "http://store:9000" + path);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://other.store/crm/orders/a",
                "https://sales.store.evil/crm/orders/a",
                "https://xsales.store/crm/orders/a",
                "https://sales.sales.store/crm/orders/a",
                "https://sales.store/sales/crm/orders/a",
                "https://sales.store/crm/orders2/a",
                "https://sales.store//crm/orders/a",
                "http://sales.store/crm/orders/a"
            })
    void noOtherHostPasses(String uri) {
        refused(HOSTS, "GET", uri);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://sales.s3.eu-west-2.amazonaws.com/crm/orders/a",
                "https://sales.s3.amazonaws.com/crm/orders/a",
                "https://sales.s3.eu-west-1.amazonaws.com.evil/crm/orders/a",
                "https://sales.s3.eu-west-1xamazonaws.com/crm/orders/a",
                "https://sales.evil.eu-west-1.amazonaws.com/crm/orders/a"
            })
    void noOtherHostOfAmazonPasses(String uri) {
        refused(AMAZON, "GET", uri);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "x-amz-acl",
                "X-Amz-Acl",
                "x-amz-grant-read",
                "x-amz-tagging",
                "x-amz-website-redirect-location",
                "x-amz-object-lock-mode",
                "x-amz-bypass-governance-retention",
                "x-amz-copy-source-",
                "x-amz-anything-new"
            })
    void noHeaderOpensMore(String name) {
        assertThatExceptionOfType(OutOfReach.class)
                .isThrownBy(() -> call(PATHS, "PUT", AT + "a", Map.of(name, List.of("x")), ""));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "sales/crm/orders2/secret",
                "other/crm/orders/a",
                "/other/crm/orders/a",
                "sales/crm/orders/../orders2/secret",
                "sales/crm/orders/%2e%2e/orders2/secret",
                "sales/crm/orders/%252e%252e/orders2/secret",
                "sales/crm/orders/a?versionId=1",
                "arn:aws:s3:eu-west-1:1:accesspoint/x/object/crm/orders/a",
                "//sales/crm/orders/a",
                "sales",
                ""
            })
    void trap37_noCopyTakesWhatIsOutside(String source) {
        assertThatExceptionOfType(OutOfReach.class)
                .isThrownBy(() -> call(PATHS, "PUT", AT + "b", Map.of("X-Amz-Copy-Source", List.of(source)), ""));
    }

    @Test
    void onlyOneSourceIsCopiedByAPut() {
        Map<String, List<String>> two = Map.of("x-amz-copy-source", List.of("sales/crm/orders/a", "sales/x"));
        assertThatExceptionOfType(OutOfReach.class).isThrownBy(() -> call(PATHS, "PUT", AT + "b", two, ""));
        Map<String, List<String>> one = Map.of("x-amz-copy-source", List.of("sales/crm/orders/a"));
        for (String method : List.of("GET", "HEAD", "DELETE")) {
            assertThatExceptionOfType(OutOfReach.class).isThrownBy(() -> call(PATHS, method, AT + "b", one, ""));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<Delete><Object><Key>crm/orders2/a</Key></Object></Delete>",
                "<Delete><Object><Key>crm/orders/../orders2/a</Key></Object></Delete>",
                "<Delete><Object><Key>crm/orders/&#46;&#46;/orders2/a</Key></Object></Delete>",
                "<Delete><Object><Key>crm/orders/%2e%2e/orders2/a</Key></Object></Delete>",
                "<Delete><Object><Key>crm/orders</Key></Object></Delete>",
                "<Delete><Object><Key></Key></Object></Delete>",
                "<Delete><Object><Key> crm/orders/a</Key></Object></Delete>",
                "<Delete><Object><Key>crm/orders/a\n</Key></Object></Delete>",
                "<Delete><Object><Key>crm/orders/a</Key></Object><Object><Key>x</Key></Object></Delete>",
                "<Delete><Object><Key>crm/orders/a</Key><Key>x</Key></Object></Delete>",
                "<Delete><Object></Object></Delete>",
                "<Delete><Object><Key>crm/orders/a</Key><VersionId>1</VersionId></Object></Delete>",
                "<Delete><Key>crm/orders/a</Key></Delete>",
                "<Delete><Object a='b'><Key>crm/orders/a</Key></Object></Delete>",
                "<Delete><Object><Key>crm/orders/<!-- x -->a</Key></Object></Delete>",
                "<Delete>x<Object><Key>crm/orders/a</Key></Object></Delete>",
                "<Delete><Object>x<Key>crm/orders/a</Key></Object></Delete>",
                "<!DOCTYPE d [<!ENTITY e 'x'>]><Delete><Object><Key>crm/orders/&e;</Key></Object></Delete>",
                "<!DOCTYPE d SYSTEM 'file:///etc/passwd'><Delete><Object><Key>crm/orders/a</Key></Object></Delete>",
                "<Delete><Object><Key>crm/orders/a</Key></Object>",
                "<Delete/>",
                "<Other><Object><Key>crm/orders/a</Key></Object></Other>",
                "{\"Objects\":[]}"
            })
    void trap37_noDeletionReachesFurther(String body) {
        assertThatExceptionOfType(OutOfReach.class)
                .isThrownBy(() -> call(PATHS, "POST", "http://store:9000/sales?delete", Map.of(), body));
    }

    @Test
    void anotherRegionIsRefused() {
        Unsigned request = new Unsigned("GET", AT + "a", "eu-west-2", Map.of(), Optional.empty());
        assertThatExceptionOfType(OutOfReach.class).isThrownBy(() -> S3Call.of(PATHS, ORDERS, request));
    }
}
