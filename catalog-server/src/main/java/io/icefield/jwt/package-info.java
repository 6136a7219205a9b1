/// Issues and verifies access tokens.
@NullMarked
package io.icefield.jwt;

import org.jspecify.annotations.NullMarked;
