/// Routes, bodies, status codes.
@NullMarked
package io.icefield.http;

import org.jspecify.annotations.NullMarked;
