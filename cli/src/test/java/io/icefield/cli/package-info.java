@NullMarked
package io.icefield.cli;

import org.jspecify.annotations.NullMarked;
