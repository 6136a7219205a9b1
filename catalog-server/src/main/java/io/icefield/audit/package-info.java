/// The log of decisions: who was allowed what, who was not, and why.
@NullMarked
package io.icefield.audit;

import org.jspecify.annotations.NullMarked;
