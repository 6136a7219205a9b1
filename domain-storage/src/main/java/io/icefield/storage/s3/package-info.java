/// That port on S3-compatible stores.
@NullMarked
package io.icefield.storage.s3;

import org.jspecify.annotations.NullMarked;
