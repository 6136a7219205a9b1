/// The server over real HTTP, on stores in memory.
@NullMarked
package io.icefield.http;

import org.jspecify.annotations.NullMarked;
