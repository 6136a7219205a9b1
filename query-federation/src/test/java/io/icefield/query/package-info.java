@NullMarked
package io.icefield.query;

import org.jspecify.annotations.NullMarked;
