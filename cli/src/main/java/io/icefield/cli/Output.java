package io.icefield.cli;

/// How results are printed.
enum Output {
    TABLE,
    JSON,
    CSV
}
