package io.icefield.http;

/// What a route asks of its caller before anything else happens.
enum Needs {
    /// Open to anybody.
    NOTHING,
    /// A valid token.
    LOGIN,
    /// A valid token of a trusted query engine.
    ENGINE,
    /// A valid token of a member of the platform team.
    PLATFORM
}
