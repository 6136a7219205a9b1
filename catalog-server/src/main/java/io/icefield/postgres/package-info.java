/// The core's ports in SQL, and the migrations.
@NullMarked
package io.icefield.postgres;

import org.jspecify.annotations.NullMarked;
