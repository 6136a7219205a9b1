/// The whole mesh from outside, as its users meet it: launcher, REST, SQL, and clients that others wrote.
@NullMarked
package io.icefield.system;

import org.jspecify.annotations.NullMarked;
