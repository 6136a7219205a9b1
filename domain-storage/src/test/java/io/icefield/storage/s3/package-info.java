/// How session policies are written.
@NullMarked
package io.icefield.storage.s3;

import org.jspecify.annotations.NullMarked;
