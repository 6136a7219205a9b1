/// The whole mesh on one machine.
@NullMarked
package io.icefield.local;

import org.jspecify.annotations.NullMarked;
