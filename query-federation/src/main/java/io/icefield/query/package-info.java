/// What Icefield asks of the query engine.
@NullMarked
package io.icefield.query;

import org.jspecify.annotations.NullMarked;
