/// Policies as code: YAML files become policies, and every error has a position.
@NullMarked
package io.icefield.policy.file;

import org.jspecify.annotations.NullMarked;
