@NullMarked
package io.icefield.policy.rules;

import org.jspecify.annotations.NullMarked;
