@NullMarked
package io.icefield.domain;

import org.jspecify.annotations.NullMarked;
