/// The port to a domain's object storage: names, locations, credentials.
@NullMarked
package io.icefield.storage;

import org.jspecify.annotations.NullMarked;
