/// The ports' promises, on a real PostgreSQL.
@NullMarked
package io.icefield.postgres;

import org.jspecify.annotations.NullMarked;
