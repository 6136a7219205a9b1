@NullMarked
package io.icefield.query.plugin;

import org.jspecify.annotations.NullMarked;
