package io.icefield.escape;

import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// A real store and what it is known to let through.
///
/// @param root the key that reaches everything in it
/// @param aging makes its sessions older; empty: that takes real time there
/// @param gaps by attempt: why this store cannot prevent it
record Store(String name, URI endpoint, Sigv4.Key root, Optional<Consumer<Duration>> aging, Map<String, String> gaps) {}
