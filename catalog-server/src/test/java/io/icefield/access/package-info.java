@NullMarked
package io.icefield.access;

import org.jspecify.annotations.NullMarked;
