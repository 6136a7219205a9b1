package io.icefield.cli;

/// The tool worked, and what it was given breaks the rules. The message holds all violations.
final class ViolationsFound extends RuntimeException {
    ViolationsFound(String message) {
        super(message);
    }
}
