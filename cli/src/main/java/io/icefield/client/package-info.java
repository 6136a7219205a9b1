/// The platform's REST API from Java; used by commands, the local mesh and the demo.
@NullMarked
package io.icefield.client;

import org.jspecify.annotations.NullMarked;
