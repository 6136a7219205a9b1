/// A domain's life: creation, storage, owners, grants.
@NullMarked
package io.icefield.domain;

import org.jspecify.annotations.NullMarked;
