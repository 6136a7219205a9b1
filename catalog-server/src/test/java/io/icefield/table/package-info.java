@NullMarked
package io.icefield.table;

import org.jspecify.annotations.NullMarked;
