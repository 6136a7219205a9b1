/// Reads, applies, compares and writes Iceberg table metadata.
@NullMarked
package io.icefield.iceberg;

import org.jspecify.annotations.NullMarked;
