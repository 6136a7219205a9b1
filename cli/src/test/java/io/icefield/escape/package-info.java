/// Every way out of a table's folder that we could think of, tried on real stores.
@NullMarked
package io.icefield.escape;

import org.jspecify.annotations.NullMarked;
