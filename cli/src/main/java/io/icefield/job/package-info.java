/// A domain job in plain Java: files become rows of Iceberg tables.
@NullMarked
package io.icefield.job;

import org.jspecify.annotations.NullMarked;
