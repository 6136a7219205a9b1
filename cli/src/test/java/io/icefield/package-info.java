@NullMarked
package io.icefield;

import org.jspecify.annotations.NullMarked;
