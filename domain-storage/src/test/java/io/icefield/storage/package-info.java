/// What a store of domains must keep to.
@NullMarked
package io.icefield.storage;

import org.jspecify.annotations.NullMarked;
