@NullMarked
package io.icefield.client;

import org.jspecify.annotations.NullMarked;
