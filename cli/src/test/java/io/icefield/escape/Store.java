package io.icefield.escape;

import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/// A real store and what it is known to let through.
///
/// @param root the key that reaches everything in it
/// @param aging makes its sessions older; empty: that takes real time there
/// @param unread attempts that it refuses for their signature, whatever they are signed as
/// @param gaps by attempt: why this store cannot prevent it
record Store(
        String name,
        URI endpoint,
        Sigv4.Key root,
        Optional<Consumer<Duration>> aging,
        Set<String> unread,
        Map<String, String> gaps) {}
