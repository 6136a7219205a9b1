@NullMarked
package io.icefield.job;

import org.jspecify.annotations.NullMarked;
