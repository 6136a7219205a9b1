package io.icefield.policy;

/// Why a change is refused.
///
/// @param code rule, `family/rule`; keeps its meaning forever
/// @param path what is wrong: `column.email`, `table`, `namespace.0`
/// @param message what it is, what it should be, how to mend it
public record Violation(String code, String path, String message) {}
