package io.icefield.compat;

import static org.junit.jupiter.api.Assumptions.abort;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestWatcher;

/// Prints each test that is skipped, and why.
final class Skipped implements TestWatcher {
    /// Ends a test that asks for what we do not do.
    static void because(String reason) {
        abort(reason);
    }

    @Override
    public void testAborted(ExtensionContext context, @Nullable Throwable cause) {
        print(
                context,
                cause == null
                        ? ""
                        : String.valueOf(cause.getMessage()).lines().findFirst().orElse(""));
    }

    @Override
    public void testDisabled(ExtensionContext context, Optional<String> reason) {
        print(context, reason.orElse("disabled"));
    }

    private static void print(ExtensionContext context, String reason) {
        System.out.printf("skipped %s: %s%n", context.getRequiredTestMethod().getName(), reason);
    }
}
