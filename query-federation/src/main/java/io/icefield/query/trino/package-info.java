/// The query engine is Trino: catalogs and SQL.
@NullMarked
package io.icefield.query.trino;

import org.jspecify.annotations.NullMarked;
