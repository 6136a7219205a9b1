/// Namespaces and tables: create, commit, load, drop, rename, register.
@NullMarked
package io.icefield.table;

import org.jspecify.annotations.NullMarked;
