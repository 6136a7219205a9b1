@NullMarked
package io.icefield.policy.file;

import org.jspecify.annotations.NullMarked;
