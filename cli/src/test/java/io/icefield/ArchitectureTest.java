package io.icefield;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/// The map of modules, packages and libraries. This module sees all others, so the whole map is held here.
class ArchitectureTest {
    private static final String ROOT = "io.icefield";

    /// Reading and writing, and what any package may use for it.
    private static final List<String> EVERYWHERE = List.of("java..", "javax..", "org.jspecify..");

    private static final String LOGGING = "org.slf4j..";
    private static final String JACKSON = "com.fasterxml.jackson..";
    private static final String CACHE = "com.github.benmanes.caffeine..";
    private static final String ICEBERG = "org.apache.iceberg..";
    private static final String AWS = "software.amazon.awssdk..";

    private static final JavaClasses ALL = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .withImportOption(location -> !location.contains("-tests.jar"))
            .importPackages(ROOT);

    /// One line of the map: what a package may use, of ours and of others', and why no more.
    private record Place(List<String> ours, List<String> libraries, String because) {}

    private static final String PURE = "its words are shared by all and decided without I/O: no library may shape them";
    private static final String CORE = "the core decides; what touches the world is behind its ports";
    private static final String ADAPTER = "an adapter knows the core and its own library, never another adapter";

    private static final Map<String, Place> MAP = Map.ofEntries(
            // policies
            place("policy", ours(), libraries(), PURE),
            place("policy.rules", ours("policy"), libraries(), PURE),
            place(
                    "policy.file",
                    ours("policy", "policy.rules"),
                    libraries("org.snakeyaml..", "dev.cel.."),
                    "files become policies here; rules do not know YAML"),
            // domain-storage
            place("storage", ours(), libraries(), "a port must not know the store behind it"),
            place("storage.s3", ours("storage"), libraries(AWS, LOGGING), "the AWS SDK has one home on the server"),
            // query-federation
            place("query", ours("policy"), libraries(), "what is asked of an engine must not know the engine"),
            place("query.trino", ours("query", "policy"), libraries("io.trino.jdbc..", LOGGING), ADAPTER),
            place(
                    "query.plugin",
                    ours(),
                    libraries("io.trino.spi.."),
                    "it runs inside Trino's class loader, where nothing else of ours exists"),
            // catalog-server
            place("access", ours("policy", "storage"), libraries(), CORE),
            place("domain", ours("access", "policy", "storage", "query"), libraries(LOGGING), CORE),
            place("table", ours("domain", "access", "policy", "storage", "query"), libraries(LOGGING), CORE),
            place("product", ours("table", "domain", "access", "policy", "storage", "query"), libraries(LOGGING), CORE),
            place("audit", ours("table", "domain", "access", "policy", "storage"), libraries(), CORE),
            place(
                    "http",
                    ours("audit", "product", "table", "domain", "access", "policy", "storage", "query"),
                    libraries(
                            "io.javalin..",
                            JACKSON,
                            "com.github.benmanes.caffeine..",
                            "io.micrometer..",
                            "jakarta.servlet..",
                            "org.eclipse.jetty..",
                            LOGGING),
                    ADAPTER),
            place(
                    "iceberg",
                    ours("audit", "product", "table", "domain", "access", "policy", "storage"),
                    libraries(ICEBERG, "org.apache.parquet..", JACKSON, CACHE, LOGGING),
                    ADAPTER),
            place(
                    "postgres",
                    ours("audit", "product", "table", "domain", "access", "policy", "storage"),
                    libraries(
                            "org.jdbi..",
                            "org.postgresql..",
                            "com.zaxxer.hikari..",
                            "org.flywaydb..",
                            CACHE,
                            JACKSON,
                            LOGGING),
                    ADAPTER),
            place("jwt", ours("domain", "access"), libraries("com.nimbusds..", CACHE, LOGGING), ADAPTER),
            place(
                    "config",
                    ours("access", "policy", "policy.file", "storage"),
                    libraries(),
                    "settings are text that became values"),
            // cli
            place("client", ours(), libraries(JACKSON), "one small client speaks the platform's REST API"),
            place(
                    "local",
                    ours("client", "query", "query.trino"),
                    libraries(
                            JACKSON,
                            "org.apache.commons.compress..",
                            "org.tukaani.xz..",
                            "org.postgresql..",
                            "org.gaul.s3proxy..",
                            "org.gaul.shaded..",
                            "org.jclouds..",
                            "com.google.common..",
                            "com.google.inject..",
                            "jakarta.servlet..",
                            AWS, // s3proxy's own interface speaks in its types
                            "ch.qos.logback.classic..",
                            LOGGING),
                    "the embedded parts are defaults of the local mesh: only it knows them"),
            place(
                    "job",
                    ours("policy", "policy.rules"),
                    libraries(
                            ICEBERG,
                            "de.siegmar.fastcsv..",
                            "org.apache.parquet..",
                            "org.apache.hadoop..",
                            AWS,
                            LOGGING),
                    "a domain job is a client as anybody could write one: no server, no commands"),
            place(
                    "demo",
                    ours("client", "local", "job", "policy"),
                    libraries("io.trino.tpch..", ICEBERG, JACKSON, AWS, LOGGING),
                    "it tells a story with what every user has"),
            place(
                    "cli",
                    ours("client", "local", "job", "demo", "policy", "policy.rules", "policy.file"),
                    libraries("picocli..", JACKSON, LOGGING),
                    "commands translate words into calls; they speak HTTP or run policies offline"));

    private static Map.Entry<String, Place> place(
            String name, List<String> ours, List<String> libraries, String because) {
        return Map.entry(name, new Place(ours, libraries, because));
    }

    private static List<String> ours(String... names) {
        return List.of(names);
    }

    private static List<String> libraries(String... packages) {
        return List.of(packages);
    }

    @TestFactory
    Stream<DynamicTest> aPackageUsesOnlyWhatTheMapSays() {
        return MAP.entrySet().stream().sorted(Map.Entry.comparingByKey()).map(entry -> {
            String name = entry.getKey();
            Place place = entry.getValue();
            List<String> allowed = new ArrayList<>(EVERYWHERE);
            allowed.add(ROOT + "." + name);
            place.ours().forEach(ours -> allowed.add(ROOT + "." + ours));
            allowed.addAll(place.libraries());
            return DynamicTest.dynamicTest(
                    name,
                    () -> classes()
                            .that()
                            .resideInAPackage(ROOT + "." + name)
                            .and(NOT_THE_WIRING)
                            .should()
                            .onlyDependOnClassesThat(resideInAnyPackage(allowed.toArray(String[]::new))
                                    .or(ARRAY_OR_PRIMITIVE))
                            .because(place.because())
                            .allowEmptyShould(true)
                            .check(ALL));
        });
    }

    @Test
    void everyPackageIsOnTheMap() {
        Set<String> there = new TreeSet<>();
        ALL.forEach(type -> there.add(type.getPackageName()));
        there.remove(ROOT); // Main, which wires everything
        assertThat(MAP.keySet().stream().map(name -> ROOT + "." + name).toList())
                .as("a package earns a line in the map, with what it may use and why")
                .containsAll(there);
    }

    @Test
    void onlyMainKnowsAllParts() {
        noClasses()
                .that()
                .resideInAPackage(ROOT + "..")
                .and(NOT_THE_WIRING)
                .and()
                .doNotHaveFullyQualifiedName(ROOT + ".Main")
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName(ROOT + ".Main")
                .because("Main wires and is called by nobody but the launcher")
                .check(ALL);
    }

    @Test
    void packagesFormNoCycles() {
        slices().matching(ROOT + ".(**)")
                .should()
                .beFreeOfCycles()
                .because("two packages that need each other are one package, or one too few")
                .check(ALL);
    }

    @Test
    void nothingIsNamedAfterItsLackOfARole() {
        noClasses()
                .should()
                .haveNameMatching(".*(Impl|Manager|Utils?|Helper|DTO|Base)$")
                .because("a name says what a thing does for its reader")
                .check(ALL);
    }

    /// On JDK 25 a virtual thread that waits for a class's initializer keeps its carrier. When all carriers are
    /// kept, and the initializer waits for a monitor whose owner is virtual too, nobody can go on. The demo stood
    /// still so, on two processors, when four threads met Hadoop's `Configuration` for the first time.
    @Test
    void threadsArePlatformThreads() {
        noClasses()
                .should()
                .callMethod(Thread.class, "ofVirtual")
                .orShould()
                .callMethod(Thread.class, "startVirtualThread", Runnable.class)
                .orShould()
                .callMethod(Executors.class, "newVirtualThreadPerTaskExecutor")
                .because("a cold process must not come to a stand while its classes are initialized")
                .check(ALL);
    }

    private static final DescribedPredicate<JavaClass> NOT_THE_WIRING = DescribedPredicate.describe(
            "are not the one place where commands meet other parts",
            type -> !type.getFullName().startsWith(ROOT + ".cli.Wiring")
                    && !type.getFullName().startsWith(ROOT + ".cli.DemoMesh"));

    private static final DescribedPredicate<JavaClass> ARRAY_OR_PRIMITIVE =
            DescribedPredicate.describe("arrays or primitives", type -> type.isArray() || type.isPrimitive());
}
