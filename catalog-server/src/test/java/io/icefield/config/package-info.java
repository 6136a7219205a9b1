@NullMarked
package io.icefield.config;

import org.jspecify.annotations.NullMarked;
