package io.icefield.policy;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
    private static final JavaClasses MODULE = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.icefield");

    @Test
    void theWordsNeedOnlyTheJdk() {
        classes()
                .that()
                .resideInAPackage("io.icefield.policy")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage("io.icefield.policy", "java..", "org.jspecify.annotations")
                .because("every module speaks these words, so they may not bring a library with them")
                .check(MODULE);
    }

    @Test
    void theRulesNeedOnlyTheWords() {
        classes()
                .that()
                .resideInAPackage("io.icefield.policy.rules")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "io.icefield.policy", "io.icefield.policy.rules", "java..", "org.jspecify.annotations")
                .because("a rule is pure: how it was written down is not its business")
                .check(MODULE);
    }

    @Test
    void judgingTouchesNeitherFilesNorTheClock() {
        noClasses()
                .that()
                .resideInAnyPackage("io.icefield.policy", "io.icefield.policy.rules")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("java.io", "java.nio..", "java.time..", "java.net..")
                .because("the same change must get the same answer in the server, the command line and a test")
                .check(MODULE);
    }
}
