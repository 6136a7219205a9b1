/// The built-in policies, one record each.
@NullMarked
package io.icefield.policy.rules;

import org.jspecify.annotations.NullMarked;
