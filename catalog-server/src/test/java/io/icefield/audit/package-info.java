@NullMarked
package io.icefield.audit;

import org.jspecify.annotations.NullMarked;
