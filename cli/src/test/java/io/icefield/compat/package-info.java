/// Iceberg's own compatibility tests against our catalog server.
@NullMarked
package io.icefield.compat;

import org.jspecify.annotations.NullMarked;
