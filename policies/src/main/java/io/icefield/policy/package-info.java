/// What a change to a table is, and what may be said about it. Pure: no I/O, no clock.
@NullMarked
package io.icefield.policy;

import org.jspecify.annotations.NullMarked;
