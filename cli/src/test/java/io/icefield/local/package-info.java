@NullMarked
package io.icefield.local;

import org.jspecify.annotations.NullMarked;
