package io.icefield.domain;

import io.icefield.storage.DomainName;
import io.icefield.storage.StorageProfile;
import java.time.Instant;

/// A business area that owns its data end to end.
///
/// @param id the database's
public record Domain(long id, DomainName name, StorageProfile storage, Instant createdAt) {}
