/// What runs inside Trino. Knows the Trino SPI and the JDK, nothing else.
@NullMarked
package io.icefield.query.plugin;

import org.jspecify.annotations.NullMarked;
