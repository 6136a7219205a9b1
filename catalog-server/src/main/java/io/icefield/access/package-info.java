/// Who asks, what for, and every way to be refused.
@NullMarked
package io.icefield.access;

import org.jspecify.annotations.NullMarked;
