/// Tokens, good and forged.
@NullMarked
package io.icefield.jwt;

import org.jspecify.annotations.NullMarked;
