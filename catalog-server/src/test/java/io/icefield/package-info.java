/// How the parts are put together.
@NullMarked
package io.icefield;

import org.jspecify.annotations.NullMarked;
