/// Measures the server beside the bounds of the machine.
@NullMarked
package io.icefield.benchmark;

import org.jspecify.annotations.NullMarked;
