/// The story that `icefield demo` tells.
@NullMarked
package io.icefield.demo;

import org.jspecify.annotations.NullMarked;
