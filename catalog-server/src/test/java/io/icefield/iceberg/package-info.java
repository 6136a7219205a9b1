@NullMarked
package io.icefield.iceberg;

import org.jspecify.annotations.NullMarked;
