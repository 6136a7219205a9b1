@NullMarked
package io.icefield.policy;

import org.jspecify.annotations.NullMarked;
