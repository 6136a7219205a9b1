package io.icefield.storage;

/// What one check of a probe has found.
///
/// @param check its name, which keeps its meaning
/// @param detail what was tried and what the store said; without secrets
/// @param remedy what to do about it; empty: nothing
public record Finding(String check, Outcome outcome, String detail, String remedy) {
    public enum Outcome {
        PASSED,
        FAILED,
        /// Could not be tried here; the detail says why.
        SKIPPED
    }

    public static Finding passed(String check, String detail) {
        return new Finding(check, Outcome.PASSED, detail, "");
    }

    public static Finding failed(String check, String detail, String remedy) {
        return new Finding(check, Outcome.FAILED, detail, remedy);
    }

    public static Finding skipped(String check, String why) {
        return new Finding(check, Outcome.SKIPPED, why, "");
    }
}
